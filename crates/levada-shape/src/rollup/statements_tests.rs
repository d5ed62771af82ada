//! How instants become conditions and numbers of buckets.

use super::*;

fn bucket(from: i64, to: i64) -> Bucket {
    let at = |second| Timestamp::from_second(second).unwrap();
    Bucket { label: format!("b{from}"), start: at(from), end: at(to) }
}

#[test]
fn gaps_between_buckets_have_edges_and_numbers_of_their_own() {
    let wanted = [bucket(0, 10), bucket(10, 20), bucket(50, 60), bucket(60, 70), bucket(90, 99)];
    let text = |second: i64| Timestamp::from_second(second).unwrap().to_string();
    let expected = [0, 10, 20, 50, 60, 70, 90, 99].map(text).join(",");
    assert_eq!(edges(&wanted), format!("'{{{expected}}}'::timestamptz[]"));
    let spans = runs(&wanted);
    let seconds: Vec<_> = spans.iter().map(|(a, b)| (a.as_second(), b.as_second())).collect();
    assert_eq!(seconds, [(0, 20), (50, 70), (90, 99)]);
    assert_eq!(edges(&[]), "'{}'::timestamptz[]");
    assert!(runs(&[]).is_empty());
}
