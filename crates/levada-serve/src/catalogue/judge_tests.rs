//! What sections are refused for.
