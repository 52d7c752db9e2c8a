//! What the binary says of itself: man pages and the completions of shells.

use std::path::Path;

use super::answer;
use super::tree::{Mode, Tree};

/// Shell, and the name that it looks for.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "completions/longshore.bash"),
    ("fish", "completions/longshore.fish"),
    ("zsh", "completions/_longshore"),
];

/// The pages in `man`, the completions in `completions`.
pub(super) fn of(binary: &Path) -> anyhow::Result<Tree> {
    let mut tree = Tree::default();
    for (shell, path) in COMPLETIONS {
        tree.add(path, answer(binary, &["completions", shell])?, Mode::Data);
    }
    let folder = std::env::temp_dir().join(format!("longshore-man-{}", std::process::id()));
    let made = answer(binary, &["man", &folder.display().to_string()])
        .and_then(|_| tree.add_folder("man", &folder));
    // There may be none if the binary failed.
    let _ = std::fs::remove_dir_all(&folder);
    made.map(|()| tree)
}
