//! Other firewalls on the host that drop forwarded packets. An accept in our own table
//! cannot overrule them: a drop in any table is final.

use std::io;

use nix::libc;

use super::expression::{self, Expression, Verdict};
use super::{CREATE, FAMILY_IPV4, Message, Socket, commit, message};
use crate::native::network::legacy;
use crate::native::network::netlink::{Attributes, DUMP, Reply, number};

const GET_CHAINS: u8 = 4;
const NEW_RULE: u8 = 6;
const GET_RULES: u8 = 7;
const DELETE_RULE: u8 = 8;
/// `struct nfgenmsg`.
const HEADER_BYTES: usize = 4;

/// Where Docker lets others add rules to its forward path.
const DOCKER_TABLE: &str = "filter";
const DOCKER_CHAIN: &str = "DOCKER-USER";

/// Inserts accepts for the bridge at the head of Docker's chain, once.
pub(super) fn admit(socket: &mut Socket, bridge: &str) -> io::Result<()> {
    let docker = chains(socket)?.iter().any(Chain::is_docker_user);
    if !docker || !own_rules(socket, bridge)?.is_empty() {
        return Ok(());
    }
    let rules = [
        expression::entering_by(bridge),
        expression::leaving_by(bridge, true),
    ];
    commit(
        socket,
        rules
            .into_iter()
            .map(|matches| accept(bridge, matches))
            .collect(),
    )
}

/// Removes what `admit` inserted.
pub(super) fn withdraw(socket: &mut Socket, bridge: &str) -> io::Result<()> {
    if !chains(socket)?.iter().any(Chain::is_docker_user) {
        return Ok(());
    }
    let deletions = own_rules(socket, bridge)?.into_iter().map(|handle| {
        message(DELETE_RULE, 0, FAMILY_IPV4)
            .text(1, DOCKER_TABLE)
            .text(2, DOCKER_CHAIN)
            .attribute(3, &handle)
    });
    let deletions = deletions.collect();
    commit(socket, deletions)
}

/// What others do with forwarded IPv4 packets on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firewall {
    /// Whether Docker's chain is there, which lets our bridges through.
    pub docker: bool,
    /// One sentence per foreign chain that drops them by default, those of iptables-legacy
    /// included, with what to change.
    pub obstacles: Vec<String>,
}

/// Looks at the chains of this network namespace; `bridge` is named in the sentences. Needs
/// CAP_NET_ADMIN.
pub fn firewall(bridge: &str) -> io::Result<Firewall> {
    let chains = chains(&mut Socket::netfilter()?)?;
    let docker = chains.iter().any(Chain::is_docker_user);
    let obstacles = chains.iter().filter(|chain| {
        // Packets pass Docker's chain before this one's policy, and we are admitted there.
        chain.drops_forwarded && !(docker && chain.is_in_docker_table())
    });
    let obstacles = obstacles.map(|chain| chain.obstacle(bridge));
    Ok(Firewall {
        docker,
        obstacles: obstacles.chain(legacy::obstacle(bridge)).collect(),
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Chain {
    family: u8,
    table: String,
    name: String,
    drops_forwarded: bool,
}

impl Chain {
    fn read(reply: &Reply) -> Self {
        let attributes = reply.attributes(HEADER_BYTES);
        let number_of = |value: &[u8]| u32::from_be(number(value, 0));
        let hook = attributes
            .find(4)
            .and_then(|hook| Attributes::of(hook).find(1))
            .map(number_of);
        let policy = attributes.find(5).map(number_of);
        let family = reply.payload.first().copied().unwrap_or_default();
        let sees_ipv4 = [libc::NFPROTO_IPV4 as u8, libc::NFPROTO_INET as u8].contains(&family);
        Self {
            family,
            table: attributes.find_text(1).unwrap_or_default(),
            name: attributes.find_text(3).unwrap_or_default(),
            drops_forwarded: sees_ipv4
                && hook == Some(libc::NF_INET_FORWARD as u32)
                && policy == Some(libc::NF_DROP as u32),
        }
    }

    fn is_in_docker_table(&self) -> bool {
        self.family == FAMILY_IPV4 && self.table == DOCKER_TABLE
    }

    fn is_docker_user(&self) -> bool {
        self.is_in_docker_table() && self.name == DOCKER_CHAIN
    }

    fn obstacle(&self, bridge: &str) -> String {
        let family = if self.family == FAMILY_IPV4 {
            "ip"
        } else {
            "inet"
        };
        format!(
            "the firewall chain `{family} {table} {name}` drops forwarded packets: tasks cannot reach \
             other hosts, and other hosts cannot reach published ports; accept traffic there that \
             enters or leaves by the link {bridge}",
            table = self.table,
            name = self.name,
        )
    }
}

fn chains(socket: &mut Socket) -> io::Result<Vec<Chain>> {
    let replies = socket.dump(message(GET_CHAINS, DUMP, libc::NFPROTO_UNSPEC as u8))?;
    Ok(replies.iter().map(Chain::read).collect())
}

/// A rule that counts first, because the `iptables` program lists only rules that do.
fn accept(bridge: &str, matches: Vec<Expression<'_>>) -> Message {
    let tail = vec![Expression::Counter, Expression::Verdict(Verdict::Accept)];
    let head = message(NEW_RULE, CREATE, FAMILY_IPV4)
        .text(1, DOCKER_TABLE)
        .text(2, DOCKER_CHAIN);
    expression::attach(head, &[matches, tail].concat()).attribute(7, &mark(bridge))
}

/// The comment by which a rule is found again, as `nft` stores comments.
fn mark(bridge: &str) -> Vec<u8> {
    let length = u8::try_from(bridge.len() + 1).expect("link names have at most 15 bytes");
    [&[0, length], bridge.as_bytes(), &[0]].concat()
}

/// Handles of the rules in Docker's chain that carry our mark.
fn own_rules(socket: &mut Socket, bridge: &str) -> io::Result<Vec<Vec<u8>>> {
    let question = message(GET_RULES, DUMP, FAMILY_IPV4)
        .text(1, DOCKER_TABLE)
        .text(2, DOCKER_CHAIN);
    let replies = socket.dump(question)?;
    let ours = replies
        .iter()
        .map(|reply| reply.attributes(HEADER_BYTES))
        .filter(|rule| {
            let in_chain = rule.find_text(2).as_deref() == Some(DOCKER_CHAIN);
            in_chain && rule.find(7) == Some(&mark(bridge)[..])
        });
    Ok(ours
        .filter_map(|rule| rule.find(3).map(<[u8]>::to_vec))
        .collect())
}
