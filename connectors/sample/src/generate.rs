//! Invented records, written as JSON by hand into one buffer. Every record follows from the seed, the stream and its number alone.
//!
//! Uses nothing of the SDK, so that a native program can include this file (`#[path]`) and measure itself against the sandbox. Nobody in
//! here exists: the mail domains are reserved for examples, the telephone numbers are those that the German regulator keeps for films, and
//! the bank codes lie where no bank is.

#[path = "words.rs"]
mod words;

/// Seconds between two records: record 0 is of 2024-01-01T00:00:00Z, a million records later it is August.
const STEP_SECONDS: u64 = 19;
const FIRST_SECOND: u64 = 1_704_067_200;
/// How many orders (and invoices) a contact has on average.
const ORDERS_PER_CONTACT: u64 = 3;

/// The streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// People at business partners.
    Contacts,
    /// What they ordered.
    Orders,
    /// What they were charged.
    Invoices,
}

impl Stream {
    /// The stream of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "contacts" => Some(Self::Contacts),
            "orders" => Some(Self::Orders),
            "invoices" => Some(Self::Invoices),
            _ => None,
        }
    }
}

/// Makes records.
#[derive(Clone, Copy, Debug)]
pub struct Generator {
    seed: u64,
    undeclared: bool,
}

impl Generator {
    /// `undeclared` adds a field `loyalty_card` to contacts that no schema knows.
    #[must_use]
    pub fn new(seed: u64, undeclared: bool) -> Self {
        Self { seed, undeclared }
    }

    /// Appends record `index` (from 0) as one line of NDJSON.
    pub fn write(&self, stream: Stream, index: u64, out: &mut Vec<u8>) {
        match stream {
            Stream::Contacts => self.contact(index, out),
            Stream::Orders => self.order(index, out),
            Stream::Invoices => self.invoice(index, out),
        }
    }

    fn contact(&self, index: u64, out: &mut Vec<u8>) {
        let mut dice = Dice::new(self.seed, 1, index);
        let (first, first_plain) = dice.pick(words::FIRST_NAMES);
        let (last, last_plain) = dice.pick(words::LAST_NAMES);
        let place = dice.pick(words::PLACES);
        let id = index + 1;
        text(out, "{\"id\":");
        number(out, id);
        text(out, ",\"number\":\"K-");
        padded(out, id, 7);
        text(out, "\",\"first_name\":\"");
        text(out, first);
        text(out, "\",\"last_name\":\"");
        text(out, last);
        text(out, "\",\"email\":\"");
        text(out, first_plain);
        text(out, ".");
        text(out, last_plain);
        text(out, ".");
        number(out, id);
        text(out, "@example.");
        text(out, dice.pick(&["com", "net", "org"]));
        text(out, "\",\"phone\":");
        phone(out, &mut dice, place.country);
        text(out, ",\"birth_date\":\"");
        date(out, dice.below(13_200));
        text(out, "\",\"company\":\"");
        company(out, &mut dice);
        text(out, "\",\"job_title\":\"");
        text(out, dice.pick(words::JOB_TITLES));
        text(out, "\",\"address\":");
        address(out, &mut dice, place);
        text(out, ",\"iban\":\"");
        iban(out, &mut dice, place.country);
        text(out, "\",\"newsletter\":");
        text(out, if dice.below(3) == 0 { "true" } else { "false" });
        text(out, ",\"note\":\"");
        text(out, dice.pick(words::NOTES));
        if self.undeclared {
            text(out, "\",\"loyalty_card\":\"");
            padded(out, dice.below(10_000_000_000), 10);
        }
        text(out, "\",\"updated_at\":\"");
        moment(out, index);
        text(out, "\"}\n");
    }

    fn order(&self, index: u64, out: &mut Vec<u8>) {
        let mut dice = Dice::new(self.seed, 2, index);
        let id = index + 1;
        text(out, "{\"id\":");
        number(out, id);
        text(out, ",\"number\":\"A-");
        padded(out, id, 8);
        text(out, "\",\"contact_id\":");
        number(out, contact_of(index));
        text(out, ",\"order_date\":\"");
        date(out, day_of(index));
        text(out, "\",\"status\":\"");
        text(out, dice.pick(&["received", "confirmed", "shipped", "delivered"]));
        text(out, "\",\"currency\":\"EUR\",\"lines\":[");
        let net = order_lines(out, &mut dice);
        text(out, "],\"net_total\":");
        cents(out, net);
        text(out, ",\"tax_total\":");
        cents(out, tax(net));
        text(out, ",\"gross_total\":");
        cents(out, net + tax(net));
        text(out, ",\"delivery_address\":");
        let place = dice.pick(words::PLACES);
        address(out, &mut dice, place);
        text(out, ",\"updated_at\":\"");
        moment(out, index);
        text(out, "\"}\n");
    }

    fn invoice(&self, index: u64, out: &mut Vec<u8>) {
        let mut dice = Dice::new(self.seed, 3, index);
        let id = index + 1;
        let net = 500 + dice.below(2_000_000);
        let place = dice.pick(words::PLACES);
        text(out, "{\"id\":");
        number(out, id);
        text(out, ",\"number\":\"R-");
        padded(out, id, 8);
        text(out, "\",\"order_id\":");
        number(out, id);
        text(out, ",\"contact_id\":");
        number(out, contact_of(index));
        text(out, ",\"issue_date\":\"");
        date(out, day_of(index));
        text(out, "\",\"due_date\":\"");
        date(out, day_of(index) + 14);
        text(out, "\",\"currency\":\"EUR\",\"net_amount\":");
        cents(out, net);
        text(out, ",\"tax_rate\":0.19,\"tax_amount\":");
        cents(out, tax(net));
        text(out, ",\"gross_amount\":");
        cents(out, net + tax(net));
        text(out, ",\"billing_name\":\"");
        text(out, dice.pick(words::FIRST_NAMES).0);
        text(out, " ");
        text(out, dice.pick(words::LAST_NAMES).0);
        text(out, "\",\"billing_address\":");
        address(out, &mut dice, place);
        text(out, ",\"payer_iban\":\"");
        iban(out, &mut dice, place.country);
        text(out, "\",\"reference\":\"");
        text(out, dice.pick(words::REFERENCES));
        text(out, "\",\"paid\":");
        text(out, if dice.below(5) == 0 { "false" } else { "true" });
        text(out, ",\"reminders\":");
        number(out, dice.below(4));
        text(out, ",\"updated_at\":\"");
        moment(out, index);
        text(out, "\"}\n");
    }
}

/// Repeatable numbers (splitmix64): the start is mixed from all that a record depends on, so neighbours have nothing in common.
struct Dice(u64);

impl Dice {
    fn new(seed: u64, stream: u64, index: u64) -> Self {
        let mut start = Self(seed ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03));
        Self(start.next() ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below the limit.
    fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

fn contact_of(index: u64) -> u64 {
    index / ORDERS_PER_CONTACT + 1
}

fn tax(net: u64) -> u64 {
    (net * 19 + 50) / 100
}

fn order_lines(out: &mut Vec<u8>, dice: &mut Dice) -> u64 {
    let mut total = 0;
    for position in 1..=1 + dice.below(2) {
        let (product, price) = dice.pick(words::PRODUCTS);
        let quantity = 1 + dice.below(20);
        text(out, if position == 1 { "{\"position\":" } else { ",{\"position\":" });
        number(out, position);
        text(out, ",\"product\":\"");
        text(out, product);
        text(out, "\",\"quantity\":");
        number(out, quantity);
        text(out, ",\"unit_price\":");
        cents(out, price);
        text(out, "}");
        total += price * quantity;
    }
    total
}

fn company(out: &mut Vec<u8>, dice: &mut Dice) {
    text(out, dice.pick(words::LAST_NAMES).0);
    text(out, " ");
    text(out, dice.pick(words::TRADES));
    text(out, " ");
    text(out, dice.pick(&["GmbH", "AG", "KG", "OHG", "GmbH & Co. KG", "e. K."]));
}

fn address(out: &mut Vec<u8>, dice: &mut Dice, place: words::Place) {
    text(out, "{\"street\":\"");
    text(out, dice.pick(words::STREETS));
    text(out, " ");
    number(out, 1 + dice.below(180));
    text(out, "\",\"postal_code\":\"");
    text(out, place.postal_code);
    text(out, "\",\"city\":\"");
    text(out, place.city);
    text(out, "\",\"country\":\"");
    text(out, place.country);
    text(out, "\"}");
}

/// Only Germany keeps numbers for invented people: others have none.
fn phone(out: &mut Vec<u8>, dice: &mut Dice, country: &str) {
    if country != "DE" {
        return text(out, "null");
    }
    text(out, "\"");
    text(out, dice.pick(&["+49 30 23125 ", "+49 40 66969 ", "+49 69 90009 ", "+49 89 99998 ", "+49 221 4710 "]));
    padded(out, dice.below(1000), 3);
    text(out, "\"");
}

/// An IBAN with right check digits (ISO 13616: 98 minus the remainder by 97 of bank, account, country as digits, 00).
pub fn iban(out: &mut Vec<u8>, dice: &mut impl Draw, country: &str) {
    let (account_digits, country_digits, bank) = match country {
        "AT" => (11, 102_900, 99_000 + dice.draw(1000)),
        "CH" => (12, 121_700, 99_000 + dice.draw(1000)),
        _ => (10, 131_400, 99_900_000 + dice.draw(100_000)),
    };
    let account = dice.draw(10_u64.pow(account_digits));
    let basic = bank * 10_u64.pow(account_digits) + account;
    let check = 98 - ((basic % 97) * (1_000_000 % 97) + country_digits) % 97;
    text(out, country);
    padded(out, check, 2);
    number(out, bank);
    padded(out, account, account_digits as usize);
}

/// A source of numbers below a limit.
pub trait Draw {
    /// The next one.
    fn draw(&mut self, limit: u64) -> u64;
}

impl Draw for Dice {
    fn draw(&mut self, limit: u64) -> u64 {
        self.below(limit)
    }
}

fn text(out: &mut Vec<u8>, part: &str) {
    out.extend_from_slice(part.as_bytes());
}

fn number(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = value;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// At least so many digits (at most 20), with zeros in front.
fn padded(out: &mut Vec<u8>, value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    let mut rest = value;
    while rest > 0 {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[start.min(digits.len() - width)..]);
}

fn cents(out: &mut Vec<u8>, value: u64) {
    number(out, value / 100);
    text(out, ".");
    padded(out, value % 100, 2);
}

fn second_of(index: u64) -> u64 {
    FIRST_SECOND + index * STEP_SECONDS
}

fn day_of(index: u64) -> u64 {
    second_of(index) / 86_400
}

/// RFC 3339 in UTC.
fn moment(out: &mut Vec<u8>, index: u64) {
    let second = second_of(index);
    date(out, second / 86_400);
    text(out, "T");
    padded(out, second / 3600 % 24, 2);
    text(out, ":");
    padded(out, second / 60 % 60, 2);
    text(out, ":");
    padded(out, second % 60, 2);
    text(out, "Z");
}

/// A day since 1970-01-01 as a date (the era of 146,097 days, years beginning in March: the leap day comes last).
fn date(out: &mut Vec<u8>, day: u64) {
    let shifted = day + 719_468;
    let in_era = shifted % 146_097;
    let year_of_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * in_year + 2) / 153;
    let day_of_month = in_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + shifted / 146_097 * 400 + u64::from(month <= 2);
    padded(out, year, 4);
    text(out, "-");
    padded(out, month, 2);
    text(out, "-");
    padded(out, day_of_month, 2);
}
