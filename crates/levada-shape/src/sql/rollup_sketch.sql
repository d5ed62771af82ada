-- A sketch holds the smallest hashes of the values, in order. Fewer than it may hold: all of them.
CREATE FUNCTION @schema@.levada_sketch_merge(one bigint[], other bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce((array_agg(u.hash ORDER BY u.hash))[1:@size@], '{}')
    FROM (SELECT unnest(one) AS hash UNION SELECT unnest(other)) AS u
$$;
COMMENT ON FUNCTION @schema@.levada_sketch_merge(bigint[], bigint[]) IS
    'levada: the sketch of the values of both';

CREATE AGGREGATE @schema@.levada_sketch_union(bigint[]) (
    SFUNC = @schema@.levada_sketch_merge,
    STYPE = bigint[],
    INITCOND = '{}',
    COMBINEFUNC = @schema@.levada_sketch_merge,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE @schema@.levada_sketch_union(bigint[]) IS
    'levada: the sketch of the values of all';

-- The k-th smallest of n evenly spread hashes lies at about k/n of their range.
CREATE FUNCTION @schema@.levada_sketch_count(sketch bigint[]) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN sketch IS NULL THEN NULL
                WHEN cardinality(sketch) < @size@ THEN cardinality(sketch)::bigint
                ELSE round((@size@ - 1) * 18446744073709551616.0
                           / (sketch[@size@] + 9223372036854775808.0))::bigint END
$$;
COMMENT ON FUNCTION @schema@.levada_sketch_count(bigint[]) IS
    'levada: about how many different values; exact below @size@, else with a standard error of 3 %'
