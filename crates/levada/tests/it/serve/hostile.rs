//! Visitors who mean no good, or cannot do better: refused or dropped, while others are answered.
