//! Items, read and written.

pub(super) mod name;

use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr,
};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::{Timestamp, civil::Date};

use super::error::StoreError;
use crate::domain::{gather::Gather, scopes::Scopes, secret::Sealed};

/// An item as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The version of the layout that this code writes. It reads this one only; an item of any other is left alone.
pub(super) const LAYOUT: u32 = 1;

/// An item on its way into a table.
#[derive(Debug, Clone)]
pub(super) struct NewItem(Item);

impl NewItem {
    /// An item at this key, of the present layout.
    pub(super) fn at(pk: &str, sk: &str) -> Self {
        Self(Item::new()).text(name::PK, pk).text(name::SK, sk).number(name::LAYOUT, LAYOUT)
    }

    /// Attributes without a key: for an update.
    pub(super) fn bare() -> Self {
        Self(Item::new())
    }

    fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(super) fn text(self, name: &str, value: &str) -> Self {
        self.with(name, text(value))
    }

    pub(super) fn number(self, name: &str, value: impl Into<i128>) -> Self {
        self.with(name, number(value))
    }

    pub(super) fn time(self, name: &str, value: Timestamp) -> Self {
        self.with(name, time(value))
    }

    pub(super) fn bytes(self, name: &str, value: &[u8]) -> Self {
        self.with(name, bytes(value))
    }

    pub(super) fn flag(self, name: &str, value: bool) -> Self {
        self.with(name, AttributeValue::Bool(value))
    }

    pub(super) fn texts<'a>(self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        self.with(name, AttributeValue::L(values.into_iter().map(text).collect()))
    }

    pub(super) fn map(self, name: &str, values: &BTreeMap<String, String>) -> Self {
        self.with(name, map(values))
    }

    /// Adds a map if there is anything in it.
    pub(super) fn filled_map(self, name: &str, values: &BTreeMap<String, String>) -> Self {
        if values.is_empty() { self } else { self.map(name, values) }
    }

    /// Adds an attribute if there is a value for it.
    pub(super) fn maybe<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }

    pub(super) fn into_item(self) -> Item {
        self.0
    }
}

pub(super) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(super) fn map(values: &BTreeMap<String, String>) -> AttributeValue {
    AttributeValue::M(values.iter().map(|(key, value)| (key.clone(), text(value))).collect())
}

pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// Times are stored in milliseconds since 1970.
pub(super) fn time(value: Timestamp) -> AttributeValue {
    number(value.as_millisecond())
}

/// Every moment that was stored, those in the last second of all among them.
fn moment(milliseconds: i64) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(milliseconds.rem_euclid(1_000)).ok()? * 1_000_000;
    Timestamp::new(milliseconds.div_euclid(1_000), nanoseconds).ok()
}

pub(super) fn bytes(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// An item out of a table. Reading something that is not there, or not of its kind, is an error and never a default.
#[derive(Debug)]
pub(super) struct Row(Item);

impl Row {
    /// An item of a layout that this code knows.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if a later version of the code wrote it.
    pub(super) fn read(item: Item) -> Result<Self, StoreError> {
        let row = Self(item);
        if row.number::<u32>(name::LAYOUT)? == LAYOUT { Ok(row) } else { Err(StoreError::Unreadable("unknown layout")) }
    }

    /// An entry of an index, which holds keys only.
    pub(super) fn of_index(entry: Item) -> Self {
        Self(entry)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&str, StoreError> {
        self.find_text(name)?.ok_or(StoreError::Unreadable(name))
    }

    pub(super) fn find_text(&self, name: &'static str) -> Result<Option<&str>, StoreError> {
        self.find(name, |value| value.as_s().ok().map(String::as_str))
    }

    pub(super) fn find_day(&self, name: &'static str) -> Result<Option<Date>, StoreError> {
        let day = self.find_text(name)?.map(str::parse).transpose();
        day.map_err(|_| StoreError::Unreadable(name))
    }

    pub(super) fn number<T: FromStr>(&self, name: &'static str) -> Result<T, StoreError> {
        self.find_number(name)?.ok_or(StoreError::Unreadable(name))
    }

    pub(super) fn find_number<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, StoreError> {
        self.find(name, |value| value.as_n().ok().and_then(|digits| digits.parse().ok()))
    }

    pub(super) fn time(&self, name: &'static str) -> Result<Timestamp, StoreError> {
        self.find_time(name)?.ok_or(StoreError::Unreadable(name))
    }

    pub(super) fn find_time(&self, name: &'static str) -> Result<Option<Timestamp>, StoreError> {
        match self.find_number::<i64>(name)? {
            None => Ok(None),
            Some(value) => moment(value).map(Some).ok_or(StoreError::Unreadable(name)),
        }
    }

    pub(super) fn flag(&self, name: &'static str) -> Result<bool, StoreError> {
        Ok(self.find(name, |value| value.as_bool().ok().copied())?.unwrap_or(false))
    }

    /// How many texts a set holds; none if it is not there.
    pub(super) fn count(&self, name: &'static str) -> Result<usize, StoreError> {
        Ok(self.find(name, |value| value.as_ss().ok())?.map_or(0, Vec::len))
    }

    pub(super) fn find_bytes(&self, name: &'static str) -> Result<Option<&[u8]>, StoreError> {
        self.find(name, |value| value.as_b().ok().map(AsRef::as_ref))
    }

    pub(super) fn digest(&self, name: &'static str) -> Result<[u8; 32], StoreError> {
        self.find_digest(name)?.ok_or(StoreError::Unreadable(name))
    }

    pub(super) fn find_digest(&self, name: &'static str) -> Result<Option<[u8; 32]>, StoreError> {
        match self.find_bytes(name)? {
            None => Ok(None),
            Some(bytes) => bytes.try_into().map(Some).map_err(|_| StoreError::Unreadable(name)),
        }
    }

    pub(super) fn sealed<K>(&self, name: &'static str) -> Result<Sealed<K>, StoreError> {
        self.find_sealed(name)?.ok_or(StoreError::Unreadable(name))
    }

    pub(super) fn find_sealed<K>(&self, name: &'static str) -> Result<Option<Sealed<K>>, StoreError> {
        Ok(self.find_bytes(name)?.map(|bytes| Sealed::from_bytes(bytes.to_vec())))
    }

    pub(super) fn texts(&self, name: &'static str) -> Result<Vec<&str>, StoreError> {
        let values = self.find(name, |value| value.as_l().ok())?.ok_or(StoreError::Unreadable(name))?;
        values.iter().map(|value| value.as_s().map(String::as_str).map_err(|_| StoreError::Unreadable(name))).collect()
    }

    pub(super) fn scopes(&self, name: &'static str) -> Result<Scopes, StoreError> {
        Scopes::parse(self.texts(name)?).map_err(|_| StoreError::Unreadable(name))
    }

    pub(super) fn map(&self, name: &'static str) -> Result<BTreeMap<String, String>, StoreError> {
        let Some(values) = self.find(name, |value| value.as_m().ok())? else { return Ok(BTreeMap::new()) };
        let pair = |(key, value): (&String, &AttributeValue)| Some((key.clone(), value.as_s().ok()?.clone()));
        values.iter().map(pair).all_gathered().ok_or(StoreError::Unreadable(name))
    }

    /// Reads a value that is its own kind in the domain.
    pub(super) fn parsed<T, E>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        parse(self.text(name)?).map_err(|_| StoreError::Unreadable(name))
    }

    /// Reads a word of a closed list.
    pub(super) fn word<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
        parse(self.text(name)?).ok_or(StoreError::Unreadable(name))
    }

    fn find<'a, T>(
        &'a self,
        name: &'static str,
        read: impl FnOnce(&'a AttributeValue) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or(StoreError::Unreadable(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_of_an_unknown_layout_is_not_read() {
        let item = NewItem::at("a", "b").number(name::LAYOUT, LAYOUT + 1).into_item();
        assert!(matches!(Row::read(item), Err(StoreError::Unreadable("unknown layout"))));
    }

    #[test]
    fn an_attribute_of_another_kind_is_an_error_and_no_default() {
        let row = Row::read(NewItem::at("a", "b").text(name::FENCE, "7").into_item()).unwrap();
        assert!(row.find_number::<u64>(name::FENCE).is_err());
        assert!(row.find_number::<u64>(name::FAILURES).unwrap().is_none());
    }
}
