//! JSON numbers compared and judged by their text: no digit is lost, no exponent is too large.

use std::cmp::Ordering;

/// Orders two JSON numbers by their value.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    match (small(left), small(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => Decimal::read(left).compare(&Decimal::read(right)),
    }
}

/// True if a JSON number has no fractional part: `1`, `1.0`, `1e2`, `10e-1`.
pub(super) fn is_whole(text: &str) -> bool {
    let number = Decimal::read(text);
    let Some(last) = number.digits().rposition_nonzero() else { return true };
    let behind_point = last as i64 + 1 - number.whole.len() as i64;
    behind_point <= number.exponent
}

/// The value of an integer that surely fits.
fn small(text: &str) -> Option<i64> {
    if text.len() > 18 {
        return None;
    }
    text.parse().ok()
}

/// Exponents beyond this are all the same: no text within the length limit has so many digits.
const FAR: i64 = 1_000_000_000_000;

/// A number taken apart: `whole.fraction × 10^exponent`.
struct Decimal<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

#[derive(Clone)]
struct Digits<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
}

impl<'a> Digits<'a> {
    fn iter(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.whole.iter().chain(self.fraction).copied()
    }

    fn rposition_nonzero(&self) -> Option<usize> {
        let in_fraction = self.fraction.iter().rposition(|digit| *digit != b'0').map(|at| at + self.whole.len());
        in_fraction.or_else(|| self.whole.iter().rposition(|digit| *digit != b'0'))
    }
}

impl<'a> Decimal<'a> {
    fn read(text: &'a str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let far = if exponent.starts_with('-') { -FAR } else { FAR };
        let exponent = exponent.parse().unwrap_or(far).clamp(-FAR, FAR);
        Self { negative, whole: whole.as_bytes(), fraction: fraction.as_bytes(), exponent }
    }

    fn digits(&self) -> Digits<'a> {
        Digits { whole: self.whole, fraction: self.fraction }
    }

    /// Position of the first digit that is not zero, as a power of ten. None = the number is zero.
    fn magnitude(&self) -> Option<i64> {
        let first = self.digits().iter().position(|digit| digit != b'0')?;
        Some(self.whole.len() as i64 - first as i64 + self.exponent)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let (Some(left), Some(right)) = (self.magnitude(), other.magnitude()) else {
            return self.sign().cmp(&other.sign());
        };
        if self.negative != other.negative {
            return self.sign().cmp(&other.sign());
        }
        let size = left.cmp(&right).then_with(|| self.compare_digits(other));
        if self.negative { size.reverse() } else { size }
    }

    fn compare_digits(&self, other: &Self) -> Ordering {
        let significant = |number: &Self| number.digits().iter().skip_while(|digit| *digit == b'0');
        let (mut left, mut right) = (significant(self), significant(other));
        loop {
            match (left.next(), right.next()) {
                (None, None) => return Ordering::Equal,
                (left, right) => match left.unwrap_or(b'0').cmp(&right.unwrap_or(b'0')) {
                    Ordering::Equal => {}
                    order => return order,
                },
            }
        }
    }

    fn sign(&self) -> i8 {
        match (self.magnitude(), self.negative) {
            (None, _) => 0,
            (Some(_), true) => -1,
            (Some(_), false) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_by_value() {
        let ascending = [
            "-1e99999999999999999999",
            "-12345678901234567890.5",
            "-2",
            "-1.5",
            "-1e-9999",
            "0",
            "1e-400",
            "0.1",
            "0.11",
            "1",
            "1.0000000000000000001",
            "9",
            "10",
            "123456789012345678",
            "12345678901234567890",
            "12345678901234567891",
            "1e400",
            "1e99999999999999999999",
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                assert_eq!(compare(left, right), at.cmp(&other), "{left} {right}");
            }
        }
        for (left, right) in
            [("0", "-0"), ("0.0", "0e5"), ("1", "1.0"), ("1e2", "100"), ("0.001e3", "1"), ("1200", "12e2"), ("-10e-1", "-1")]
        {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
        }
    }

    #[test]
    fn whole_numbers_have_many_spellings() {
        for (text, expected) in [
            ("0", true),
            ("0.0", true),
            ("0e-9", true),
            ("1.0", true),
            ("1.5", false),
            ("1.5e1", true),
            ("15e-1", false),
            ("10e-1", true),
            ("1e-400", false),
            ("1e400", true),
            ("100e-3", false),
            ("1000e-3", true),
            ("-1.50e1", true),
            ("1e99999999999999999999", true),
        ] {
            assert_eq!(is_whole(text), expected, "{text}");
        }
    }
}
