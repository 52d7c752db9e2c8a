//! One page of a sorted listing. The token is the last item's key, so that a page goes on
//! where the one before ended even when items came or went in between.

use std::ops::Bound;
use std::str::FromStr;

use crate::error::OpError;
use crate::limits::PAGE_MAX;

/// A page and the token of the next one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_token: Option<String>,
}

/// Checks `maxResults`: 1–100, 100 without one.
pub(crate) fn page_size(max_results: Option<i32>) -> Result<usize, OpError> {
    size_up_to(PAGE_MAX, max_results)
}

/// Checks `maxResults` of a listing with a limit of its own, which is also its default.
pub(crate) fn size_up_to(most: i32, max_results: Option<i32>) -> Result<usize, OpError> {
    let size = max_results.unwrap_or(most);
    if (1..=most).contains(&size) {
        Ok(size as usize)
    } else {
        Err(OpError::invalid_parameter(format!(
            "maxResults must be between 1 and {most}, but was {size}."
        )))
    }
}

/// The key that a token stands for, as text.
pub(crate) fn after(next_token: Option<&str>) -> Result<Option<String>, OpError> {
    let Some(token) = next_token.filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    let bytes = hex::decode(token).map_err(|_| bad_token())?;
    String::from_utf8(bytes).map(Some).map_err(|_| bad_token())
}

/// The key that a token stands for.
pub(crate) fn after_key<K: FromStr>(next_token: Option<&str>) -> Result<Option<K>, OpError> {
    let key = after(next_token)?.map(|text| text.parse().map_err(|_| bad_token()));
    key.transpose()
}

/// A token that is not ours.
pub(crate) fn bad_token() -> OpError {
    OpError::invalid_parameter("Invalid token: use the nextToken of the page before.")
}

/// All keys behind the token's.
pub(crate) fn behind<K>(after: Option<K>) -> (Bound<K>, Bound<K>) {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    (from, Bound::Unbounded)
}

/// Cuts a page from items that already begin behind the token.
pub(crate) fn page<T>(
    items: impl Iterator<Item = T>,
    size: usize,
    key: impl Fn(&T) -> String,
) -> Page<T> {
    let mut items: Vec<T> = items.take(size + 1).collect();
    let more = items.len() > size;
    items.truncate(size);
    let last = items.last().filter(|_| more);
    let next_token = last.map(|last| hex::encode(key(last)));
    Page { items, next_token }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all_pages(names: &[String], size: usize) -> Vec<String> {
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let from = after(token.as_deref()).unwrap();
            let rest = names
                .iter()
                .filter(|name| from.as_ref().is_none_or(|from| *name > from));
            let page = page(rest.cloned(), size, String::clone);
            assert!(page.items.len() <= size);
            seen.extend(page.items);
            token = page.next_token;
            if token.is_none() {
                return seen;
            }
        }
    }

    proptest! {
        /// Law: the pages together are the listing, whatever their size.
        #[test]
        fn pages_add_up(names in proptest::collection::btree_set("[a-c]{1,3}", 0..30), size in 1usize..9) {
            let names: Vec<String> = names.into_iter().collect();
            prop_assert_eq!(all_pages(&names, size), names);
        }
    }

    #[test]
    fn bad_sizes_and_tokens_are_refused() {
        assert!(page_size(Some(0)).is_err());
        assert!(page_size(Some(101)).is_err());
        assert_eq!(page_size(None).unwrap(), 100);
        assert!(after(Some("not hex")).is_err());
        assert!(after(Some("ff")).is_err());
    }
}
