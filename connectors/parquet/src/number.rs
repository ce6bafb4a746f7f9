//! Decimal numbers as they are written, and whether a column holds them without loss. Knows no column.

/// A number: its digits without zeros at either end, as a whole number times a power of ten.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// `0` to `9`; none for zero.
    digits: Vec<u8>,
    /// Of the last digit.
    exponent: i64,
}

/// The most digits that are read; more come from no measurement and no account.
const MAX_DIGITS: usize = 1_000;
/// The most digits of a whole number of 64 bits.
const LONGEST: i64 = 19;

impl Decimal {
    /// `-12.50`, `1e3`. None: it is no such number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix('+').unwrap_or(exponent).parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_number = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
        if !is_number || mantissa.ends_with('.') || mantissa.len() > MAX_DIGITS {
            return None;
        }
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0').collect();
        let mut exponent = i64::from(exponent) - i64::try_from(fraction.len()).ok()?;
        while digits.last() == Some(&b'0') {
            digits.pop();
            exponent += 1;
        }
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        Some(Self { negative, digits, exponent })
    }

    /// True if it has no more digits behind the point than these.
    pub(crate) fn fits_behind_point(&self, places: u8) -> bool {
        self.exponent >= -i64::from(places)
    }

    /// The number times ten to the power of `places`. None: it is no whole number then, or one of more than 64 bits.
    pub(crate) fn scaled(&self, places: u8) -> Option<i64> {
        let zeros = u32::try_from(self.exponent + i64::from(places)).ok()?;
        if self.digits.is_empty() {
            return Some(0);
        }
        if i64::from(zeros) + i64::try_from(self.digits.len()).ok()? > LONGEST {
            return None;
        }
        let digits = self.digits.iter().fold(0_i128, |number, digit| number * 10 + i128::from(digit - b'0'));
        let number = digits * 10_i128.pow(zeros);
        i64::try_from(if self.negative { -number } else { number }).ok()
    }

    /// The number of 64 bits whose shortest form this is. None: another one would be read back.
    pub(crate) fn double(&self) -> Option<f64> {
        let digits = std::str::from_utf8(&self.digits).ok().filter(|digits| !digits.is_empty()).unwrap_or("0");
        let sign = if self.negative { "-" } else { "" };
        let number: f64 = format!("{sign}{digits}e{}", self.exponent).parse().ok()?;
        (number.is_finite() && Self::parse(&format!("{number:e}")).as_ref() == Some(self)).then_some(number)
    }
}
