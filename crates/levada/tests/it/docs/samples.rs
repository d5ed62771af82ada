//! What the example configuration shows for options that have no default, or an empty one.

/// A value in TOML. Options of the same meaning everywhere need no section.
pub(crate) fn sample(section: &str, option: &str) -> Option<&'static str> {
    let own = match section {
        "import" => import(option),
        "enrich" => enrich(option),
        "calendar" => calendar(option),
        "window" => window(option),
        "rollup" => rollup(option),
        "stat" => stat(option),
        "page" => page(option),
        _ => None,
    };
    own.or(match option {
        "where" => Some("\"created_at >= '2024-01-01'\""),
        "fillfactor" => Some("90"),
        _ => None,
    })
}

fn import(option: &str) -> Option<&'static str> {
    Some(match option {
        "name" => "\"courses\"",
        "url" => "\"https://example.org/api/courses\"",
        "file" => "\"imports/courses.json\"",
        "format" => "\"json\"",
        "headers" => "{ Authorization = \"Bearer ${COURSES_TOKEN}\" }",
        "records" => "\"$.courses[*]\"",
        "key" => "[\"id\"]",
        "columns" => {
            "{ id = \"bigint\", title = { path = \"$.title\", type = \"text\", null = true } }"
        }
        "indexes" => "[[\"title\"]]",
        "page" => "{ kind = \"page\", parameter = \"page\" }",
        "total" => "\"$.total\"",
        "server_limit" => "2000",
        _ => return None,
    })
}

fn enrich(option: &str) -> Option<&'static str> {
    Some(match option {
        "name" => "\"answers_by_adviser\"",
        "index" => "{ table = \"public.answers\", columns = [\"created_at\"] }",
        "view" => "\"SELECT adviser_id, count(*) FROM answers GROUP BY adviser_id\"",
        "view_file" => "\"sql/answers_by_adviser.sql\"",
        "columns" => "{ of = \"public.answers\", year = \"date_part('year', created_at)\" }",
        "materialized" => "\"SELECT adviser_id, count(*) FROM answers GROUP BY adviser_id\"",
        "materialized_file" => "\"sql/answers_by_adviser.sql\"",
        "sql" => "\"sql/answers_by_adviser.sql\"",
        "after" => "[\"advisers\"]",
        "reads" => "[\"public.answers\"]",
        "key" => "[\"adviser_id\"]",
        "indexes" => "[[\"count\"]]",
        _ => return None,
    })
}

fn stat(option: &str) -> Option<&'static str> {
    Some(match option {
        "name" => "\"messages\"",
        "title" => "{ en = \"Messages\", fr = \"Messages\" }",
        "description" => "\"Messages that were sent, per day.\"",
        "rollup" => "\"messages_per_day\"",
        "window" => "\"messages_7_days\"",
        "sql" => "\"sql/messages.sql\"",
        "rollups" => "[\"messages_per_day\"]",
        "by" => "[\"type\"]",
        "measures" => "[\"messages\"]",
        "filter" => "[\"type\"]",
        "last" => "{ default = 7, max = 90, name = \"days\" }",
        "params" => {
            "{ kind = { type = \"text\", values = [\"sms\", \"email\"], default = \"sms\" } }"
        }
        "figures" => "[{ kind = \"line\", y = [\"messages\"], series = \"type\" }]",
        _ => return None,
    })
}

fn page(option: &str) -> Option<&'static str> {
    Some(match option {
        "name" => "\"performance\"",
        "title" => "{ en = \"Performance\", fr = \"Performance\" }",
        "description" => "\"How the service is doing.\"",
        "stats" => "[\"messages\"]",
        _ => return None,
    })
}

fn calendar(option: &str) -> Option<&'static str> {
    Some(match option {
        "name" => "\"london\"",
        "zone" => "\"Europe/London\"",
        _ => return None,
    })
}

fn window(option: &str) -> Option<&'static str> {
    Some(match option {
        "name" => "\"recent_events\"",
        "table" => "\"public.events\"",
        "time" => "\"happened_at\"",
        "zone" => "\"Europe/London\"",
        "last" => "\"7 days\"",
        "current" | "previous" => "\"week\"",
        "calendar" => "\"london\"",
        "columns" => "[\"id\", \"category\"]",
        "indexes" => "[[\"category\", \"happened_at\"]]",
        "where" => "\"category <> 'test'\"",
        _ => return None,
    })
}

fn rollup(option: &str) -> Option<&'static str> {
    Some(match option {
        "name" => "\"events_by_day\"",
        "table" => "\"public.events\"",
        "tables" => "{ live = \"public.events\", old = \"public.event_history\" }",
        "sql" => "\"SELECT * FROM live UNION ALL SELECT * FROM old\"",
        "of" => "\"events_by_hour\"",
        "time" => "\"happened_at\"",
        "zone" => "\"Europe/London\"",
        "calendar" => "\"london\"",
        "grain" => "\"day\"",
        "starts" => "\"2023-01-01\"",
        "grace" => "\"2 hours\"",
        "settles" => "\"4 days\"",
        "restate_for" => "\"90 days\"",
        "retention" => "\"7 days\"",
        "by" => "[\"category\"]",
        "where" => "\"category <> 'test'\"",
        "totals" => "[[], [\"category\"]]",
        "measures" => "{ events = \"count\", people = { distinct = \"user_id\" } }",
        _ => return None,
    })
}
