//! The moment of an edition, as a bound on the row versions of the source. Pure.

use pg::quote_literal;

/// A snapshot of the source: which transactions it saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// All transactions below are seen.
    pub(crate) xmin: u64,
    /// None from here on is.
    xmax: u64,
    /// Those between that were running.
    running: Vec<u64>,
}

impl Moment {
    /// Reads `xmin:xmax:xip_list`, as `pg_current_snapshot()` writes it.
    pub(crate) fn parse(snapshot: &str) -> Option<Self> {
        let mut parts = snapshot.split(':');
        let (xmin, xmax) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let running = parts.next()?.split(',').filter(|id| !id.is_empty());
        let running = running.map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self { xmin, xmax, running })
    }

    /// When the version of a row with this `xmin` was written: 0 before, 1 unclear, 2 since.
    ///
    /// Row versions carry 32 bits of their transaction. One that seems to lie in the future is
    /// older than all that can be told apart.
    pub(crate) fn written_sql(&self, xmin: &str) -> String {
        let id = |id: u64| (id & 0xffff_ffff).to_string();
        let (first, end) = (quote_literal(&id(self.xmin)), quote_literal(&id(self.xmax)));
        let running: Vec<String> = self.running.iter().copied().map(id).collect();
        let running = running.join(",");
        let age = "pg_catalog.age";
        format!(
            "CASE WHEN {age}({xmin}) NOT BETWEEN 0 AND {age}({first}::xid) THEN 0 \
             WHEN {age}({xmin}) <= {age}({end}::xid) OR {xmin} = ANY ('{{{running}}}'::xid[]) \
             THEN 2 ELSE 1 END"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_read() {
        let moment = Moment::parse("4294967300:4294967310:4294967300,4294967305").unwrap();
        assert_eq!((moment.xmin, moment.running.len()), (4_294_967_300, 2));
        assert!(moment.written_sql("xmin").contains("ANY ('{4,9}'::xid[])"));
        assert_eq!(Moment::parse("10:10:").map(|moment| moment.running), Some(Vec::new()));
        assert_eq!(Moment::parse("nonsense"), None);
    }
}
