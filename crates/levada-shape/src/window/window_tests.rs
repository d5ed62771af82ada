//! What a `[[window]]` section may say.

use super::*;
use crate::calendar::Calendar;

fn read(rest: &str) -> Result<Windows, Problem> {
    let base = "name = 'recent'\ntable = 'events'\ntime = 'at'\n";
    let window: Window = toml::from_str(&format!("{base}{rest}")).unwrap();
    windows(vec![window])
}

fn windows(windows: Vec<Window>) -> Result<Windows, Problem> {
    let (zone, week_starts) = ("Europe/Paris".to_owned(), Default::default());
    let calendars = vec![Calendar { name: "paris".to_owned(), zone, week_starts }];
    let reports_schema = "reports".to_owned();
    Windows::new(&Sections { windows, calendars, reports_schema, ..Sections::default() })
}

#[track_caller]
fn refused(rest: &str, part: &str) {
    let problem = read(rest).unwrap_err();
    let text = format!("{} {}", problem.message, problem.detail.as_deref().unwrap_or_default());
    assert!(text.contains(part), "{rest}: {text}");
    assert!(problem.hint.is_some(), "{rest}");
}

#[test]
fn what_is_in_order_is_taken() {
    for rest in [
        "last = '7 days'",
        "last = '7 days'\nzone = 'Europe/Paris'",
        "last = '7 days'\nzone = 'UTC'",
        "current = 'week'\ncalendar = 'paris'",
        "previous = 'month'\ncalendar = 'paris'\ncolumns = ['a']\nindexes = [['a'], ['b', 'a']]",
    ] {
        assert!(read(rest).is_ok(), "{rest}");
    }
    let windows = read("last = '1 day'").unwrap();
    assert!(windows.watches(&Name::new("public", "events")));
    assert!(!windows.watches(&Name::new("other", "events")));
}

#[test]
fn what_is_not_is_refused() {
    let one_of = "exactly one of last, current and previous";
    refused("", one_of);
    refused("last = '7 days'\ncurrent = 'week'\ncalendar = 'paris'", one_of);
    refused("previous = 'week'\ncurrent = 'week'\ncalendar = 'paris'", one_of);
    refused("current = 'week'", "needs a calendar");
    refused("current = 'week'\ncalendar = 'london'", "no calendar \"london\"");
    refused("last = '7 days'\ncalendar = 'paris'", "has last and a calendar");
    refused("last = '1 month'", "differ in length");
    refused("last = 'a while'", "no length of time");
    for zone in ["UTC+1", "GMT-2", "Etc/GMT+3", "etc/gmt-3"] {
        refused(&format!("last = '1 day'\nzone = '{zone}'"), "sign reversed");
    }
    for zone in ["CET", "EST", "Paris", "right/Europe/Paris"] {
        refused(&format!("last = '1 day'\nzone = '{zone}'"), "whose clock");
    }
    refused("last = '1 day'\nzone = 'Europe/Lutetia'", "no such IANA");
    refused("last = '1 day'\ncolumns = []", "empty columns");
    refused("last = '1 day'\ncolumns = ['a', 'b', 'a']", "column a twice");
    refused("last = '1 day'\nindexes = [[]]", "index without columns");
    refused("last = '1 day'\nindexes = [['a'], ['a']]", "same index twice");
    refused("last = '1 day'\nwhere = ' '", "empty where");
    let one: Window =
        toml::from_str("name = 'a'\ntable = 't'\ntime = 'at'\nlast = '1 day'").unwrap();
    let problem = windows(vec![one.clone(), one]).unwrap_err();
    assert_eq!(problem.message, "two [[window]] are called \"a\"");
}
