//! `cargo xtask tidy`: the house rules that no compiler knows. Each rule reads
//! the tree and complains in one line per find; an ordinary test runs them too.

mod compatibility;
mod conformance;
mod dependencies;
mod locks;
mod portability;
mod proof;
mod purity;
mod seeds;
mod text;
mod tree;

use crate::say;
use tree::Tree;

/// Every rule; an error if one complains.
pub(crate) fn run() -> anyhow::Result<()> {
    let complaints = complaints()?;
    for complaint in &complaints {
        say(complaint);
    }
    anyhow::ensure!(complaints.is_empty(), "{} finds", complaints.len());
    Ok(())
}

fn complaints() -> anyhow::Result<Vec<String>> {
    let tree = Tree::read()?;
    let mut found = dependencies::complaints()?;
    found.extend(locks::complaints()?);
    found.extend(portability::complaints(&tree)?);
    found.extend(text::complaints(&tree));
    found.extend(conformance::complaints(&tree));
    found.extend(purity::complaints(&tree));
    found.extend(seeds::complaints(&tree)?);
    found.extend(compatibility::complaints(&tree)?);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let found = complaints().unwrap();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}
