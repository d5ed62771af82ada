//! The document of OpenAPI: it is valid, says what is served, and what is served is as it says.
