//! Who a container's first process is: names looked up in the image's own files.

use model::container::{Failure, FailureName};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) additional_gids: Vec<u32>,
}

/// Texts of `/etc/passwd` and `/etc/group` in the root file system; empty where absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    pub(crate) passwd: String,
    pub(crate) group: String,
}

impl Accounts {
    /// Resolves `user`, `uid`, `user:group`, `uid:gid` and their mixtures; empty is root.
    ///
    /// A number needs no entry. Without a group the user's own group counts, and the groups
    /// that list the user are added; an unknown number gets group 0.
    pub(crate) fn resolve(&self, wanted: &str) -> Result<User, Failure> {
        let (name, group) = match wanted.split_once(':') {
            Some((name, group)) => (name, Some(group)),
            None => (wanted, None),
        };
        let entry = self.account(if name.is_empty() { "0" } else { name });
        let uid = match (&entry, name) {
            (Some(entry), _) => entry.uid,
            (None, "") => 0,
            (None, name) => number(name).ok_or_else(|| missing("user", name, "/etc/passwd"))?,
        };
        let Some(group) = group.filter(|group| !group.is_empty()) else {
            let gid = entry.as_ref().map_or(0, |entry| entry.gid);
            let additional_gids =
                entry.map_or(Vec::new(), |entry| self.groups_of(&entry.name, gid));
            return Ok(User {
                uid,
                gid,
                additional_gids,
            });
        };
        Ok(User {
            uid,
            gid: self.group_id(group)?,
            additional_gids: Vec::new(),
        })
    }

    /// By name first: a name may consist of digits.
    fn account(&self, wanted: &str) -> Option<Account> {
        let accounts: Vec<Account> = self.passwd.lines().filter_map(Account::parse).collect();
        let by_name = accounts.iter().find(|account| account.name == wanted);
        let by_id = || {
            accounts
                .iter()
                .find(|account| Some(account.uid) == number(wanted))
        };
        by_name.or_else(by_id).cloned()
    }

    fn group_id(&self, wanted: &str) -> Result<u32, Failure> {
        let by_name = self
            .groups()
            .find(|(name, _, _)| *name == wanted)
            .map(|(_, gid, _)| gid);
        by_name
            .or_else(|| number(wanted))
            .ok_or_else(|| missing("group", wanted, "/etc/group"))
    }

    fn groups_of(&self, user: &str, own: u32) -> Vec<u32> {
        let lists_user = |members: &str| members.split(',').any(|member| member.trim() == user);
        let mut gids: Vec<u32> = self
            .groups()
            .filter(|(_, gid, members)| *gid != own && lists_user(members))
            .map(|(_, gid, _)| gid)
            .collect();
        gids.sort_unstable();
        gids.dedup();
        gids
    }

    fn groups(&self) -> impl Iterator<Item = (&str, u32, &str)> {
        self.group.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let (name, _, gid) = (fields.next()?, fields.next()?, fields.next()?);
            Some((name, number(gid)?, fields.next().unwrap_or_default()))
        })
    }
}

#[derive(Clone)]
struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let (name, _, uid, gid) = (
            fields.next()?,
            fields.next()?,
            fields.next()?,
            fields.next()?,
        );
        Some(Self {
            name: name.to_owned(),
            uid: number(uid)?,
            gid: number(gid)?,
        })
    }
}

/// The kernel keeps the largest number for "no change".
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|id| digits && *id != u32::MAX)
}

fn missing(kind: &str, name: &str, file: &str) -> Failure {
    Failure::new(
        FailureName::CannotCreateContainerError,
        format!("the {kind} {name:?} is not in {file} of the image; use a number or another image"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &str, expected: &str) {
        let accounts = Accounts {
            passwd: "root:x:0:0:root:/root:/bin/sh\nbroken\napp:x:1000:1001::/:\n7:x:70:71::/:\n"
                .into(),
            group: "root:x:0:\nwheel:x:10:root,app\nvideo:x:20:app\napp:x:1001:app\n".into(),
        };
        let actual = match accounts.resolve(wanted) {
            Ok(User {
                uid,
                gid,
                additional_gids,
            }) => format!("{uid}:{gid} {additional_gids:?}"),
            Err(failure) => failure.detail,
        };
        assert_eq!(actual, expected);
    }

    #[test]
    fn names_and_numbers_are_found_in_the_images_files() {
        check("", "0:0 [10]");
        check("root", "0:0 [10]");
        check("app", "1000:1001 [10, 20]");
        check("1000", "1000:1001 [10, 20]");
        check("7", "70:71 []");
        check("app:video", "1000:20 []");
        check("app:", "1000:1001 [10, 20]");
        check(":video", "0:20 []");
    }

    #[test]
    fn a_number_needs_no_entry() {
        check("4242", "4242:0 []");
        check("4242:4343", "4242:4343 []");
    }

    #[test]
    fn an_unknown_name_is_refused() {
        check(
            "nobody",
            "the user \"nobody\" is not in /etc/passwd of the image; use a number or another image",
        );
        check(
            "app:staff",
            "the group \"staff\" is not in /etc/group of the image; use a number or another image",
        );
        check(
            "4294967295",
            "the user \"4294967295\" is not in /etc/passwd of the image; use a number or another image",
        );
        check(
            "+1",
            "the user \"+1\" is not in /etc/passwd of the image; use a number or another image",
        );
    }
}
