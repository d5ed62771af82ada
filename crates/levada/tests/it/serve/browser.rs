//! Pages and console in a real browser.
