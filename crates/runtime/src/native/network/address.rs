//! The addresses of one bridge: pure bookkeeping.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// Hands out the addresses of a subnet. The first is the gateway's; an address that was
/// given back is used again only after all others, so that late packets and connection
/// tracking entries of its former owner have died.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    subnet: Ipv4Net,
    taken: BTreeSet<Ipv4Addr>,
    /// Where the search for a free address goes on.
    next: u32,
}

impl Addresses {
    pub(super) fn new(subnet: Ipv4Net) -> Self {
        let subnet = subnet.trunc();
        Self {
            subnet,
            taken: BTreeSet::new(),
            next: first(subnet),
        }
    }

    pub(super) fn subnet(&self) -> Ipv4Net {
        self.subnet
    }

    /// The address of the bridge itself.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        gateway(self.subnet)
    }

    /// How many addresses the subnet has for tasks.
    pub(super) fn capacity(&self) -> u32 {
        (last(self.subnet) + 1).saturating_sub(first(self.subnet))
    }

    /// `None` when all are taken.
    pub(super) fn allocate(&mut self) -> Option<Ipv4Addr> {
        let (low, high) = (first(self.subnet), last(self.subnet));
        let address = (self.next..=high)
            .chain(low..self.next)
            .map(Ipv4Addr::from)
            .find(|address| !self.taken.contains(address))?;
        self.taken.insert(address);
        self.next = u32::from(address)
            .checked_add(1)
            .filter(|next| *next <= high)
            .unwrap_or(low);
        Some(address)
    }

    /// Takes the address a task already has; false if it is taken or foreign.
    pub(super) fn take(&mut self, address: Ipv4Addr) -> bool {
        let ours = (first(self.subnet)..=last(self.subnet)).contains(&u32::from(address));
        ours && self.taken.insert(address)
    }

    pub(super) fn release(&mut self, address: Ipv4Addr) {
        self.taken.remove(&address);
    }
}

pub(super) fn gateway(subnet: Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(subnet.network()) + 1)
}

fn first(subnet: Ipv4Net) -> u32 {
    u32::from(subnet.network()) + 2
}

/// The last address before the broadcast address.
fn last(subnet: Ipv4Net) -> u32 {
    u32::from(subnet.broadcast()) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn addresses(subnet: &str) -> Addresses {
        Addresses::new(subnet.parse().unwrap())
    }

    #[test]
    fn network_gateway_and_broadcast_are_never_given() {
        let mut small = addresses("10.1.2.0/29");
        let given: Vec<_> = std::iter::from_fn(|| small.allocate())
            .map(|a| a.to_string())
            .collect();
        assert_eq!(
            given,
            ["10.1.2.2", "10.1.2.3", "10.1.2.4", "10.1.2.5", "10.1.2.6"]
        );
        assert_eq!(small.capacity(), 5);
        assert_eq!(small.gateway().to_string(), "10.1.2.1");
    }

    #[test]
    fn a_released_address_comes_back_last() {
        let mut small = addresses("10.1.2.0/29");
        let released = small.allocate().unwrap();
        small.release(released);
        let given: Vec<_> = std::iter::from_fn(|| small.allocate()).collect();
        assert_eq!(given.len(), 5);
        assert_eq!(given.last(), Some(&released));
    }

    #[test]
    fn only_own_free_addresses_can_be_taken() {
        let mut small = addresses("10.1.2.0/29");
        assert!(small.take(Ipv4Addr::new(10, 1, 2, 4)));
        assert!(!small.take(Ipv4Addr::new(10, 1, 2, 4)));
        assert!(!small.take(Ipv4Addr::new(10, 1, 2, 1)));
        assert!(!small.take(Ipv4Addr::new(10, 1, 3, 4)));
    }

    proptest! {
        #[test]
        fn no_address_has_two_owners(steps in proptest::collection::vec(any::<Option<u8>>(), 0..200)) {
            let mut pool = addresses("10.9.0.0/28");
            let mut held: Vec<Ipv4Addr> = Vec::new();
            for step in steps {
                match step {
                    Some(pick) if !held.is_empty() => {
                        pool.release(held.swap_remove(usize::from(pick) % held.len()));
                    }
                    _ => match pool.allocate() {
                        Some(address) => {
                            prop_assert!(!held.contains(&address));
                            held.push(address);
                        }
                        None => prop_assert_eq!(held.len(), 13),
                    },
                }
            }
        }
    }
}
