BEGIN
    -- An earlier run may have created it already; another one of this name is an error.
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_type AS t
        JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
        WHERE n.nspname = @schema@ AND t.typname = @name@
          AND @labels@ = (
              SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', '
                                           ORDER BY e.enumsortorder)
              FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid)) THEN
        EXECUTE @create@;
    END IF;
END
