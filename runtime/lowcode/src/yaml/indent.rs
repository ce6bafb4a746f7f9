//! Lists in brackets and quoted texts may run on at any column in the reference; the parser here wants them deeper than what they belong to.
//! Moves such lines to the right, where their leading blanks mean nothing, and parts comments from what they follow. Used only for texts that the parser has refused.
//!
//! Looks at quotes, brackets, comments and block texts, and understands nothing else: whether the result is YAML is for the parser to say.

/// A text with its lines moved.
pub struct Indented {
    /// The moved text.
    pub text: String,
    /// By how many columns each line was moved.
    pub moved: Vec<i64>,
}

/// Moves the lines.
pub fn indent(text: &str) -> Indented {
    let mut mover = Mover::default();
    for line in text.split_inclusive('\n') {
        mover.line(line);
    }
    Indented { text: mover.out, moved: mover.moved }
}

#[derive(Debug, Default)]
struct Mover {
    out: String,
    moved: Vec<i64>,
    /// Brackets that are open.
    open: usize,
    /// The column behind which lines are moved while brackets or a quote are open.
    column: usize,
    quote: Option<char>,
    /// The column of what a block text belongs to.
    block: Option<usize>,
    /// The column of the last key or dash.
    entry: usize,
}

impl Mover {
    fn line(&mut self, line: &str) {
        let content = line.trim_start_matches([' ', '\t']);
        let blank = content.trim_end_matches(['\r', '\n']).is_empty();
        let leading = line.len() - content.len();
        if self.block.is_some_and(|owner| blank || leading > owner) {
            self.keep(line);
            return;
        }
        self.block = None;
        if blank || (self.open == 0 && self.quote.is_none()) {
            self.keep(line);
        } else {
            let width = leading.max(self.column + 1);
            self.moved.push(i64::try_from(width).unwrap_or_default() - i64::try_from(leading).unwrap_or_default());
            self.out.extend(std::iter::repeat_n(' ', width));
            self.out.push_str(content);
        }
        if !blank {
            let letters: Vec<char> = content.chars().collect();
            self.scan(&letters, leading);
        }
    }

    fn keep(&mut self, line: &str) {
        self.moved.push(0);
        self.out.push_str(line);
    }

    fn scan(&mut self, letters: &[char], leading: usize) {
        let at = |index: usize| letters.get(index).copied().unwrap_or('\n');
        let mut fresh = true;
        let mut closed = false;
        let mut index = 0;
        while index < letters.len() {
            let letter = at(index);
            if let Some(quote) = self.quote {
                index += self.quoted(letter, quote, at(index + 1));
                fresh = false;
                closed = self.quote.is_none();
                continue;
            }
            let parted = at(index + 1).is_whitespace();
            let was_parted = index == 0 || at(index - 1).is_whitespace();
            let was_closed = std::mem::take(&mut closed);
            match letter {
                '#' if was_parted => return,
                '#' if was_closed => {
                    self.part(letters.get(index..).unwrap_or_default());
                    return;
                }
                _ if letter.is_whitespace() => {}
                '[' | '{' if fresh || self.open > 0 => {
                    self.enter(leading + index);
                    self.open += 1;
                    fresh = true;
                }
                ']' | '}' if self.open > 0 => {
                    self.open -= 1;
                    fresh = false;
                    closed = true;
                }
                ',' if self.open > 0 => fresh = true,
                ':' if parted || (self.open > 0 && index > 0 && matches!(at(index - 1), '"' | '\'')) => fresh = true,
                '"' | '\'' if fresh => {
                    self.enter(leading + index);
                    self.quote = Some(letter);
                }
                '|' | '>' if fresh && self.open == 0 => {
                    self.block = Some(self.entry);
                    return;
                }
                '-' | '?' if fresh && parted && self.open == 0 => self.entry = leading + index,
                '&' | '!' if fresh => index += letters.iter().skip(index + 1).take_while(|letter| !letter.is_whitespace()).count(),
                _ => {
                    if fresh && self.open == 0 && letters.iter().take(index).all(|letter| matches!(letter, '-' | '?' | ' ')) {
                        self.entry = leading + index;
                    }
                    fresh = false;
                }
            }
            index += 1;
        }
    }

    /// Puts a blank before a comment that stands right behind what it follows: the reference does not mind.
    fn part(&mut self, comment: &[char]) {
        let length: usize = comment.iter().map(|letter| letter.len_utf8()).sum();
        if let Some(at) = self.out.len().checked_sub(length) {
            self.out.insert(at, ' ');
        }
    }

    fn enter(&mut self, column: usize) {
        if self.open == 0 {
            self.column = column;
        }
    }

    /// Inside of a quoted text: how many letters belong together.
    fn quoted(&mut self, letter: char, quote: char, next: char) -> usize {
        if letter == '\\' && quote == '"' || letter == '\'' && quote == '\'' && next == '\'' {
            return 2;
        }
        if letter == quote {
            self.quote = None;
        }
        1
    }
}
