//! Words for the random ids of a case: `<task-1>` is the first task that an answer shows. Only
//! an id of the right form gets one, so a snapshot proves the form too.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Where ids stand, and what they are called. The id is the last group of each.
static PLACES: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
    [
        ("task", r#":task/[^/"]+/([0-9a-f]{32})"#.to_owned()),
        (
            "instance",
            r#":container-instance/[^/"]+/([0-9a-f]{32})"#.to_owned(),
        ),
        ("container", format!(r#":container/[^/"]+/[^/"]+/({UUID})"#)),
        ("attachment", format!(r#""id":"({UUID})""#)),
        ("interface", r#""(eni-[0-9a-f]{17})""#.to_owned()),
        ("volume", r#""(vol-[0-9a-f]{17})""#.to_owned()),
    ]
    .map(|(kind, pattern)| (kind, Regex::new(&pattern).unwrap()))
    .into()
});

#[derive(Clone, Default)]
pub(crate) struct Names {
    /// Ids and their words, in the order in which they were met.
    known: Vec<(String, String)>,
}

impl Names {
    pub(crate) fn call(&mut self, id: String, word: &str) {
        self.known.push((id, format!("<{word}>")));
    }

    /// The text with words for ids.
    pub(crate) fn spoken(&mut self, text: &str) -> String {
        for (kind, place) in PLACES.iter() {
            for found in place.captures_iter(text) {
                self.meet(kind, &found);
            }
        }
        let in_words = |text: String, (id, word): &(String, String)| text.replace(id, word);
        self.known.iter().fold(text.to_owned(), in_words)
    }

    fn meet(&mut self, kind: &str, found: &Captures<'_>) {
        let id = &found[1];
        if self.known.iter().any(|(known, _)| known == id) {
            return;
        }
        let is_kind = |(_, word): &&(String, String)| word.starts_with(&format!("<{kind}-"));
        let number = self.known.iter().filter(is_kind).count() + 1;
        self.call(id.to_owned(), &format!("{kind}-{number}"));
    }

    /// The text with ids for words.
    pub(crate) fn resolved(&self, text: &str) -> String {
        let with_ids = |text: String, (id, word): &(String, String)| text.replace(word, id);
        self.known.iter().fold(text.to_owned(), with_ids)
    }
}

#[test]
fn an_id_keeps_its_word_and_another_form_is_left_alone() {
    let mut names = Names::default();
    let id = "0123456789abcdef0123456789abcdef";
    let text = format!(r#"["a:task/default/{id}","a:container/c/{id}/0"]"#);
    let spoken = r#"["a:task/default/<task-1>","a:container/c/<task-1>/0"]"#;
    assert_eq!(names.spoken(&text), spoken);
    assert_eq!(names.spoken(id), "<task-1>");
    assert_eq!(names.spoken(":task/default/0123"), ":task/default/0123");
    assert_eq!(names.resolved("<task-1>"), id);
}
