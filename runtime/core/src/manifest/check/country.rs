//! Countries by ISO 3166 alpha-2, and where holidays and residency go beyond it. Form only: which country lies where is the policy's.

use super::super::load::Loader;
use crate::manifest::finding::shorten;
use crate::problem::Spanned;

/// The codes that are assigned, and XK, which its users assigned.
const CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD \
    CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM \
    GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK \
    LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF \
    PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK \
    TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// True if the text is a country's code; else told (E003).
pub(super) fn known(written: &Spanned<String>, loader: &mut Loader<'_>) -> bool {
    let known = is_code(&written.value);
    if !known {
        let title = format!("`{}` is not the code of a country", shorten(&written.value));
        loader.findings.wrong(written.span, title, help(&written.value));
    }
    known
}

/// True if data may be said to stay there: a country, `EU` or `EEA`; else told (E003).
pub(super) fn known_area(written: &Spanned<String>, loader: &mut Loader<'_>) -> bool {
    matches!(written.value.as_str(), "EU" | "EEA") || known(written, loader)
}

/// True for a country or one of its regions (`DE-NI`); else told (E003).
pub(super) fn known_calendar(written: &Spanned<String>, loader: &mut Loader<'_>) -> bool {
    let (country, region) =
        written.value.split_once('-').map_or((written.value.as_str(), None), |(country, region)| (country, Some(region)));
    let plain =
        |region: &str| matches!(region.len(), 1..=3) && region.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let known = is_code(country) && region.is_none_or(plain);
    if !known {
        let title = format!("`{}` is not a calendar of public holidays", shorten(&written.value));
        loader.findings.wrong(written.span, title, "write a country's code, or that of one of its regions (ISO 3166-2): `DE`, `DE-NI`");
    }
    known
}

fn is_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()) && CODES.split_ascii_whitespace().any(|code| code == text)
}

fn help(written: &str) -> String {
    let upper = written.trim().to_ascii_uppercase();
    let meant = match upper.as_str() {
        "UK" => "GB",
        "EL" => "GR",
        code if is_code(code) => code,
        _ => return "write its two capital letters by ISO 3166, for example `DE`".to_owned(),
    };
    format!("write `{meant}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_two_capital_letters_that_are_assigned() {
        assert_eq!(CODES.split_ascii_whitespace().count(), 250);
        for good in ["DE", "US", "GB", "XK"] {
            assert!(is_code(good), "{good}");
        }
        for bad in ["", "de", "UK", "EU", "DEU", "D ", "DE US", "ÄÖ"] {
            assert!(!is_code(bad), "{bad}");
        }
        assert_eq!(help("uk"), "write `GB`");
        assert_eq!(help("de"), "write `DE`");
    }
}
