//! Task groups get numbers, so that counting them compares no names.

use std::sync::Arc;

use imbl::OrdMap;

pub(crate) type GroupNumber = u64;

#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    known: OrdMap<Arc<str>, Known>,
    /// Numbers are never used again; there are enough.
    next: GroupNumber,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    number: GroupNumber,
    /// Hosts that have tasks of it; without any it is forgotten.
    hosts: u32,
}

impl Groups {
    pub(crate) fn number(&self, name: &str) -> Option<GroupNumber> {
        self.known.get(name).map(|known| known.number)
    }

    /// One more host has tasks of the group.
    pub(crate) fn hold(&mut self, name: &str) -> (GroupNumber, Arc<str>) {
        if let Some((name, known)) = self.known.get_key_value_mut(name) {
            known.hosts += 1;
            return (known.number, Arc::clone(name));
        }
        let (number, name) = (self.next, Arc::<str>::from(name));
        self.next += 1;
        self.known
            .insert(Arc::clone(&name), Known { number, hosts: 1 });
        (number, name)
    }

    /// One host less has tasks of the group.
    pub(crate) fn release(&mut self, name: &str) {
        if let Some(known) = self.known.get_mut(name) {
            known.hosts -= 1;
            if known.hosts == 0 {
                self.known.remove(name);
            }
        }
    }
}
