//! Measures the full copy against its peers.

fn main() {}
