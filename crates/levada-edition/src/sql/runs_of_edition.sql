SELECT array_agg(other.number ORDER BY other.number)
FROM levada.run AS this
JOIN levada.run AS other ON other.number = this.number OR other.edition = this.edition
WHERE this.number = $1
