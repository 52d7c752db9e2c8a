//! Characters of an expression, and how far they have been read.

/// Positions count characters from 0.
pub(super) struct Scanner {
    characters: Vec<char>,
    position: usize,
}

impl Scanner {
    pub(super) fn new(text: &str) -> Self {
        Self {
            characters: text.chars().collect(),
            position: 0,
        }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Goes back to a position that was read before.
    pub(super) fn back_to(&mut self, position: usize) {
        self.position = position;
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    pub(super) fn skip_blanks(&mut self) {
        self.take_while(char::is_whitespace);
    }

    /// Reads this text if it comes next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let rest = &self.characters[self.position..];
        let comes = text.chars().count() <= rest.len()
            && text.chars().zip(rest).all(|(wanted, next)| wanted == *next);
        if comes {
            self.position += text.chars().count();
        }
        comes
    }

    pub(super) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let rest = self.characters[self.position..].iter().copied();
        let taken: String = rest.take_while(|next| belongs(*next)).collect();
        self.position += taken.chars().count();
        taken
    }

    /// What comes next, for people: a word, one character, or the end.
    pub(super) fn found(&mut self) -> String {
        self.skip_blanks();
        let start = self.position;
        let word = self.take_while(is_bare);
        self.position = start;
        match self.peek() {
            None => "the end".to_owned(),
            Some(next) if word.is_empty() => format!("`{next}`"),
            Some(_) => format!("`{}`", word.chars().take(32).collect::<String>()),
        }
    }
}

/// May stand in a value without quotation marks.
pub(super) fn is_bare(character: char) -> bool {
    !character.is_whitespace() && !"()[],".contains(character)
}
