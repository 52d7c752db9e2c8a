//! The filter of system calls, compiled once and loaded by every container that has the same.

use std::fs;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use libseccomp::error::SeccompError;
use libseccomp::{
    ScmpAction, ScmpArch, ScmpArgCompare, ScmpCompareOp, ScmpFilterContext, ScmpSyscall,
};
use nix::libc;
use rustix::fs::{MemfdFlags, memfd_create};
use sha2::{Digest, Sha256};

use crate::native::spec::seccomp::{Answer, Condition, Filter, Rule};

/// A program for the kernel's packet filter machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compiled(Vec<u8>);

/// Bytes of one instruction.
const INSTRUCTION_BYTES: usize = size_of::<libc::sock_filter>();

impl Compiled {
    /// Takes the compiled filter from the folder, or compiles it and keeps it there. The name
    /// is the digest of the rules: another list of rules is another file.
    fn of(filter: &Filter, kept: &Path) -> io::Result<Self> {
        let path = kept.join(name(filter));
        if let Some(found) = Self::read(&path)? {
            return Ok(found);
        }
        let compiled = Self(export(&compile(filter).map_err(io::Error::other)?)?);
        compiled.write(&path)?;
        Ok(compiled)
    }

    /// The same, and a link to the file that is kept.
    pub(super) fn linked(filter: &Filter, kept: &Path, link: &Path) -> io::Result<Self> {
        let compiled = Self::of(filter, kept)?;
        fs::hard_link(kept.join(name(filter)), link)?;
        Ok(compiled)
    }

    /// `None` if there is no such file.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) if !bytes.is_empty() && bytes.len() % INSTRUCTION_BYTES == 0 => {
                Ok(Some(Self(bytes)))
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            // Cut short by a power failure: made again.
            _ => Ok(None),
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let temporary = path.with_extension(std::process::id().to_string());
        fs::File::create(&temporary)?.write_all(&self.0)?;
        fs::rename(temporary, path)
    }

    /// Puts this process and what it becomes under the filter, for ever. The process must have
    /// given up new privileges.
    pub(super) fn load(&self) -> io::Result<()> {
        let mut instructions: Vec<libc::sock_filter> = self
            .0
            .chunks_exact(INSTRUCTION_BYTES)
            .map(instruction)
            .collect();
        let too_long = |_| io::Error::from(io::ErrorKind::InvalidData);
        let program = libc::sock_fprog {
            len: instructions.len().try_into().map_err(too_long)?,
            filter: instructions.as_mut_ptr(),
        };
        set_filter(&program)
    }
}

fn name(filter: &Filter) -> String {
    hex::encode(Sha256::digest(format!("{filter:?} {ARCHITECTURES:?}")))
}

fn instruction(bytes: &[u8]) -> libc::sock_filter {
    let half = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
    let k = u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    libc::sock_filter {
        code: half(0),
        jt: bytes[2],
        jf: bytes[3],
        k,
    }
}

#[expect(
    unsafe_code,
    reason = "no crate loads a filter that is compiled already"
)]
fn set_filter(program: &libc::sock_fprog) -> io::Result<()> {
    // SAFETY: the kernel copies `len` instructions from `filter`, which both come from one list
    // that outlives the call.
    let result = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            std::ptr::from_ref(program),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Calls of these are told apart; those of any other architecture end the program.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURES: [ScmpArch; 3] = [ScmpArch::X8664, ScmpArch::X86, ScmpArch::X32];
#[cfg(target_arch = "aarch64")]
const ARCHITECTURES: [ScmpArch; 2] = [ScmpArch::Aarch64, ScmpArch::Arm];

fn compile(filter: &Filter) -> Result<ScmpFilterContext, SeccompError> {
    let mut context = ScmpFilterContext::new(ScmpAction::Errno(libc::EPERM))?;
    for architecture in ARCHITECTURES {
        context.add_arch(architecture)?;
    }
    for rule in &filter.rules {
        add(&mut context, rule)?;
    }
    Ok(context)
}

/// The library writes to a file only, before its version 2.6.
fn export(context: &ScmpFilterContext) -> io::Result<Vec<u8>> {
    let mut file = fs::File::from(memfd_create("filter", MemfdFlags::CLOEXEC)?);
    context.export_bpf(&file).map_err(io::Error::other)?;
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn add(context: &mut ScmpFilterContext, rule: &Rule) -> Result<(), SeccompError> {
    let action = match rule.answer {
        Answer::Allow => ScmpAction::Allow,
        Answer::Error(errno) => ScmpAction::Errno(errno),
    };
    let known = rule
        .calls
        .iter()
        .filter_map(|name| ScmpSyscall::from_name(name).ok());
    for call in known {
        match rule.condition {
            None => context.add_rule(action, call)?,
            Some(condition) => {
                context.add_rule_conditional(action, call, &[comparison(condition)])?
            }
        };
    }
    Ok(())
}

fn comparison(condition: Condition) -> ScmpArgCompare {
    let (operation, value) = match condition {
        Condition::Is(value) => (ScmpCompareOp::Equal, value),
        Condition::IsNot(value) => (ScmpCompareOp::NotEqual, value),
        Condition::Lacks(bits) => (ScmpCompareOp::MaskedEqual(bits), 0),
    };
    ScmpArgCompare::new(0, operation, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Filter {
        let rule = |calls: &[&'static str], answer, condition| Rule {
            calls: calls.to_vec(),
            answer,
            condition,
        };
        Filter {
            rules: vec![
                rule(&["read", "no_such_call"], Answer::Allow, None),
                rule(
                    &["clone"],
                    Answer::Allow,
                    Some(Condition::Lacks(0x7E02_0000)),
                ),
                rule(&["clone3"], Answer::Error(38), None),
            ],
        }
    }

    #[test]
    fn a_filter_is_compiled_once() {
        let dir = tempfile::tempdir().unwrap();
        let first = Compiled::of(&small(), dir.path()).unwrap();
        assert_eq!(first, Compiled::of(&small(), dir.path()).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let mut other = small();
        other.rules.pop();
        assert_ne!(first, Compiled::of(&other, dir.path()).unwrap());
    }

    #[test]
    fn a_torn_file_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let whole = Compiled::of(&small(), dir.path()).unwrap();
        let path = fs::read_dir(dir.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        fs::write(&path, &whole.0[..whole.0.len() - 3]).unwrap();
        assert_eq!(Compiled::of(&small(), dir.path()).unwrap(), whole);
    }
}
