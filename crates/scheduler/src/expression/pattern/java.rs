//! What Java and the crate `regex` both take and read differently, or only the crate takes.

/// What a Java pattern means otherwise, or not at all, with the character it stands at,
/// counted from 1.
pub(super) fn difference(pattern: &str) -> Option<String> {
    let mut reader = Reader {
        characters: pattern.chars().collect(),
        at: 0,
        classes: 0,
    };
    while reader.at < reader.characters.len() {
        if let Err(what) = reader.step() {
            return Some(format!("{what} (its character {})", reader.at + 1));
        }
    }
    None
}

struct Reader {
    characters: Vec<char>,
    at: usize,
    /// How many `[` are open.
    classes: usize,
}

type Step = Result<(), &'static str>;

impl Reader {
    fn step(&mut self) -> Step {
        match self.characters[self.at] {
            '\\' => self.escape(),
            '[' => self.open_class(),
            _ if self.classes > 0 => self.in_class(),
            '(' => self.open_group(),
            '*' | '+' | '?' | '{' => self.repetition(),
            _ => self.pass(1),
        }
    }

    /// An escaped letter has a meaning of its own, an escaped sign is that sign, in Java `\<`
    /// too. Letters that only one side knows the crate refuses by itself.
    fn escape(&mut self) -> Step {
        match self.peek(1) {
            Some('<' | '>') => Err("an escaped angle bracket is not supported"),
            Some('v') => Err("`\\v` is not supported"),
            Some('b') if self.peek(2) == Some('{') => Err("`\\b{` is not supported"),
            _ => self.pass(2),
        }
    }

    fn open_class(&mut self) -> Step {
        if self.classes > 0 && self.peek(1) == Some(':') {
            return Err("a class of POSIX is not supported");
        }
        self.classes += 1;
        self.pass(1)?;
        if self.peek(0) == Some('^') {
            self.pass(1)?;
        }
        // Directly behind its start it is a member.
        self.pass(usize::from(self.peek(0) == Some(']')))
    }

    fn in_class(&mut self) -> Step {
        match (self.characters[self.at], self.peek(1)) {
            ('-', Some('-')) => return Err("`--` in a class is not supported"),
            ('~', Some('~')) => return Err("`~~` in a class is not supported"),
            (']', _) => self.classes -= 1,
            _ => {}
        }
        self.pass(1)
    }

    fn open_group(&mut self) -> Step {
        if self.peek(1) != Some('?') {
            return self.pass(1);
        }
        if self.peek(2) == Some('P') {
            return Err("`(?P` is not supported");
        }
        let flags = self.characters[self.at + 2..].iter();
        let mut flags = flags.take_while(|flag| flag.is_ascii_alphabetic() || **flag == '-');
        if flags.any(|flag| matches!(flag, 'U' | 'R' | 'x')) {
            return Err("one of the flags is not supported");
        }
        self.pass(2)
    }

    fn repetition(&mut self) -> Step {
        if self.characters[self.at] == '{' {
            if self.peek(1) == Some(',') {
                return Err("a repetition without a minimum is not supported");
            }
            let rest = &self.characters[self.at..];
            let end = rest.iter().position(|character| *character == '}');
            self.pass(end.unwrap_or(0))?;
        }
        self.pass(1)?;
        self.pass(usize::from(self.peek(0) == Some('?')))?;
        match self.peek(0) {
            Some('+') => Err("possessive repetition is not supported"),
            Some('*' | '?' | '{') => Err("a repetition of a repetition is not supported"),
            _ => Ok(()),
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn pass(&mut self, count: usize) -> Step {
        self.at += count;
        Ok(())
    }
}
