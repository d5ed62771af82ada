SELECT r.definition_hash, r.sources,
       -- An edition that was made without the rollup in between has changed rows unseen.
       EXISTS (SELECT FROM levada.edition AS e WHERE e.number = $2 AND e.base = r.edition)
           AS is_of_base
FROM levada.rollup AS r
WHERE r.name = $1
