#![doc = include_str!("../README.md")]

pub mod auth;
pub mod bus;
pub mod clock;
pub mod config;
pub mod domain;
pub mod journeys;
pub mod metrics;
pub mod network;
pub mod oauth;
pub mod queue;
pub mod random;
pub mod services;
pub mod store;
pub mod telemetry;
pub mod vault;
pub mod web;
