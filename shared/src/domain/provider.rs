//! What a provider is.
