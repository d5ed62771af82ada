//! Notify's two fact tables, over days on which statuses settle and messages move to the history.

use super::Example;
use crate::support::Ran;

/// Messages of both tables with their day of London.
const MESSAGES: &str = include_str!("notify_messages.sql");
const COUNTED: &str = "key_type = 'normal' OR key_type = 'team'";
const FAST: &str = "SELECT *, sent_at < created_at + interval '10.000001 seconds' AS is_fast FROM \
    messages WHERE notification_type IN ('email', 'sms') AND key_type IN ('normal', 'team') \
    AND api_key_id IS NOT NULL";

/// What a night does: receipts, messages that are too old for live ones, the end of test messages.
const NIGHT: &str = include_str!("notify_night.sql");

/// Messages that were written late: of today, of a night in which clocks went back, in both of its
/// hours, and of one in which they went forward.
const LATE: &str = include_str!("notify_late.sql");

#[test]
fn a_day_is_what_the_messages_say() {
    let notify = Example::new("notify", "notify");
    notify.edition();
    let clock_changes = "SELECT count(*) FROM levada.rollup_bucket \
         WHERE rollup = 'ft_notification_status' AND bucket_end - bucket_start <> '24 hours'";
    assert!(notify.says(clock_changes).parse::<u32>().unwrap() >= 2, "no clock change");
    judge(&notify);
    notify.source.execute(NIGHT).unwrap();
    notify.edition();
    judge(&notify);
    notify.source.execute(LATE).unwrap();
    notify.edition();
    judge(&notify);
    // All that is late has been counted; what settles further changes statuses and no totals.
    let total = notify.says("SELECT notifications FROM reports.ft_notification_status_totals");
    notify.source.execute(NIGHT).unwrap();
    notify.edition();
    judge(&notify);
    let after = notify.says("SELECT notifications FROM reports.ft_notification_status_totals");
    assert_eq!(total, after);
    notify.assert_statements_work(2);
}

/// Everything that the example reports, counted again.
#[track_caller]
fn judge(notify: &Example) {
    let by = "service_id, notification_type, template_id, job_id, key_type, notification_status";
    notify.assert_same(
        &format!("SELECT bucket, {by}, notifications FROM reports.ft_notification_status"),
        &format!(
            "SELECT day, {by}, count(*) FROM ({MESSAGES}) AS m WHERE {COUNTED} GROUP BY day, {by}"
        ),
    );
    let within = "sum(coalesce(is_fast, false)::int)";
    notify.assert_same(
        "SELECT bucket, messages_total, messages_within_10_secs, round(percentage, 12) \
         FROM reports.ft_processing_time",
        &format!(
            "WITH messages AS ({MESSAGES}) SELECT day, count(*), {within}, \
             round({within} / count(*)::numeric, 12) FROM ({FAST}) AS f GROUP BY day"
        ),
    );
    judge_days(notify);
    judge_totals(notify);
}

/// Each day stands in the page once, whether or not it had messages, and says how settled it is.
#[track_caller]
fn judge_days(notify: &Example) {
    let as_of =
        notify.says("SELECT as_of FROM levada.rollup WHERE name = 'ft_notification_status'");
    let days = include_str!("notify_days.sql").replace("@messages@", MESSAGES);
    let days = days.replace("@fast@", FAST).replace("@counted@", COUNTED);
    let days = days.replace("@as_of@", &as_of);
    notify.assert_same("SELECT day, state, sms, messages_total FROM reports.performance", &days);
    let empty = "SELECT count(*) > 5, bool_and(percentage IS NULL) FROM reports.performance \
                 WHERE messages_total = 0";
    assert_eq!(notify.says(empty), "t|t", "days without messages");
    let settling = "SELECT settling::text, min(extract(days FROM r.as_of - b.bucket_end)) >= 4 \
         FROM levada.rollup_bucket AS b JOIN levada.rollup AS r ON r.name = b.rollup \
         WHERE r.name = 'ft_notification_status' AND state = 'provisional' GROUP BY 1 ORDER BY 1";
    assert_eq!(notify.says(settling), "{letter,*}|f\n{letter}|t");
}

#[track_caller]
fn judge_totals(notify: &Example) {
    let through = "SELECT closed_through FROM levada.rollup WHERE name = 'ft_notification_status'";
    let through = notify.says(through);
    let complete = format!(
        "FROM ({MESSAGES}) AS m WHERE ({COUNTED}) \
         AND created_at AT TIME ZONE 'UTC' < '{through}'::timestamptz"
    );
    notify.assert_same(
        "SELECT notification_type, notifications \
         FROM reports.ft_notification_status_totals_notification_type",
        &format!("SELECT notification_type, count(*) {complete} GROUP BY 1"),
    );
    notify.assert_same(
        "SELECT notifications FROM reports.ft_notification_status_totals",
        &format!("SELECT count(*) {complete}"),
    );
}

/// Between two statements, two tables and two runs: a message that moves is counted once.
#[test]
fn messages_that_move_meanwhile_count_once() {
    let notify = Example::new("notify", "notify_moves");
    for _ in 0..3 {
        let mut moved = 0;
        let mut run = notify.start();
        while run.try_wait().unwrap().is_none() {
            let sql = "WITH moved AS (DELETE FROM notifications WHERE id IN (\
                 SELECT id FROM notifications WHERE key_type <> 'test' ORDER BY created_at LIMIT 1) \
                 RETURNING *) INSERT INTO notification_history SELECT * FROM moved RETURNING 1";
            moved += notify.source.psql(sql).unwrap().lines().count();
        }
        Ran::from(run.wait_with_output().unwrap()).expect_code(0);
        assert!(moved > 3, "only {moved} messages have moved");
        judge(&notify);
    }
}

/// Its performance page says what the messages say, in both languages.
#[test]
fn the_performance_page_is_right() {
    let notify = Example::new("notify", "notify_page");
    notify.edition();
    let through = "SELECT closed_through FROM levada.rollup WHERE name = 'ft_notification_status'";
    let through = notify.says(through);
    let sums = include_str!("notify_page.sql").replace("@messages@", MESSAGES);
    let sums = sums.replace("@counted@", COUNTED).replace("@fast@", FAST);
    let sums = notify.source.query_rows(&sums.replace("@through@", &through)).unwrap().remove(0);
    let [total, week, share, day, emails] = sums.as_slice() else { panic!("{sums:?}") };
    let serving = notify.serve();
    let page = serving.get("/pages/performance?lang=en").expect(200).text();
    assert!(page.contains(&format!(">{total} messages sent since the start</h2>")), "{page}");
    assert!(page.contains(&format!(">{week} messages in the last 7 days</h2>")), "{week}\n{page}");
    assert!(page.contains(&format!(">{share}% of messages left within 10")), "{share}\n{page}");
    assert!(page.contains(&format!("Data up to <time datetime=\"{day}\">")), "{day}\n{page}");
    assert!(page.contains(&format!("<dd>{emails}</dd>")), "{emails}\n{page}");
    assert!(!page.contains("class=\"missing\"") && !page.contains("cannot be shown"), "{page}");
    let french = serving.get("/pages/performance?lang=fr").expect(200).text();
    let total = total.replace(',', "\u{202f}");
    assert!(
        french.contains(&format!(">{total} messages envoyés depuis le début</h2>")),
        "{french}"
    );
}

/// Receipts of yesterday are no reason to count last year again.
#[test]
fn an_edition_computes_the_days_that_changed() {
    let notify = Example::new("notify", "notify_days");
    notify.edition();
    notify.source.execute(NIGHT).unwrap();
    notify.edition();
    let computed = "SELECT count(*) BETWEEN 3 AND 12, count(*) FROM levada.rollup_bucket \
                    WHERE rollup = 'ft_notification_status' AND edition = 2";
    let computed = notify.says(computed);
    assert!(computed.starts_with("t|"), "{computed} days");
}

/// A UNION without ALL hides that a message is in both tables, and is refused.
#[test]
fn a_union_that_hides_duplicates_is_refused() {
    let notify = Example::new("notify", "notify_union");
    let sections = "\n[[rollup]]\nname = \"by_service\"\nby = [\"service_id\"]\n\
        tables = { live = \"public.notifications\", old = \"public.notification_history\" }\n\
        sql = \"SELECT * FROM live UNION SELECT * FROM old\"\n\
        [rollup.measures]\nmessages = \"count\"\n";
    let ran = notify.run_with(sections).expect_code(2);
    ran.expect_stderr("its query has UNION without ALL");
}
