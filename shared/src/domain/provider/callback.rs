//! The authorization response (RFC 6749, section 4.1.2), as a provider gives it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::choice::choices;
use crate::domain::fields::{self, Table};

choices! {
    /// How an authorization code is written, beyond what a query does to it.
    CodeDecoding {
        /// Percent-encoded once more.
        Percent = "percent",
    }

    /// How a response is signed.
    Signature {
        /// HMAC (RFC 2104) with SHA-256; the key is the client secret.
        HmacSha256 = "hmac_sha256",
    }

    /// How a signature is written.
    SignatureEncoding {
        /// In hexadecimal digits.
        Hex = "hex",
        /// In base 64, of either alphabet.
        Base64 = "base64",
    }
}

/// The authorization response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Callback {
    /// The parameter that has the code; RFC 6749: `code`.
    pub code_param: String,
    /// What is done to the code before it is exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_decode: Option<CodeDecoding>,
    /// What comes behind the code and does not belong to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_strip_suffix: Option<String>,
    /// The parameter that has the granted scopes, where the response tells them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope_param: Option<String>,
    /// Parameters and what they must be; `{name}` stands for a variable.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub must_equal: BTreeMap<String, String>,
    /// How the response is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
    /// Whether people may begin at the provider, without a session here. For people: nothing is connected that way.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub vendor_initiated: bool,
}

/// How an authorization response is signed: over its other parameters, sorted by name, as `a=b&c=d`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verify {
    /// What the signature is.
    pub kind: Signature,
    /// How it is written.
    pub encoding: SignatureEncoding,
    /// The parameter that has it.
    pub param: String,
    /// More parameters that it does not cover.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
}

impl Default for Callback {
    fn default() -> Self {
        Self {
            code_param: "code".to_owned(),
            code_decode: None,
            code_strip_suffix: None,
            scope_param: None,
            must_equal: BTreeMap::new(),
            verify: None,
            vendor_initiated: false,
        }
    }
}

impl Callback {
    pub(super) fn read(table: Table<'_>) -> Self {
        const OURS: [&str; 2] = ["state", "error"];
        let callback = Self {
            code_param: table.text("code_param").unwrap_or_else(|| "code".to_owned()),
            code_decode: table.choice("code_decode", CodeDecoding::ALL),
            code_strip_suffix: table.text("code_strip_suffix"),
            scope_param: table.text("scope_param"),
            must_equal: table.map("must_equal", |name, value| {
                fields::unless(OURS.contains(&name), "is compared by the connect flow itself")?;
                fields::text(value)
            }),
            verify: Verify::read(table.table("verify")),
            vendor_initiated: table.flag("vendor_initiated").unwrap_or(false),
        };
        if OURS.contains(&callback.code_param.as_str()) {
            table.refuse("code_param", "is read by the connect flow itself");
        }
        table.close();
        callback
    }
}

impl Callback {
    /// Whether it is as RFC 6749 has it.
    pub(super) fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Verify {
    fn read(table: Table<'_>) -> Option<Self> {
        if !table.is_given() {
            table.close();
            return None;
        }
        let kind = table.choice("kind", Signature::ALL);
        if kind.is_none() {
            table.require_given("kind");
        }
        let verify = Self {
            kind: kind.unwrap_or(Signature::HmacSha256),
            encoding: table.choice("encoding", SignatureEncoding::ALL).unwrap_or(SignatureEncoding::Hex),
            param: table.require("param", table.text("param")),
            without: table.texts("without").unwrap_or_default(),
        };
        if verify.without.iter().any(|name| name == "code" || name == "state") {
            table.refuse("without", "must leave the code and the state signed");
        }
        table.close();
        Some(verify)
    }
}
