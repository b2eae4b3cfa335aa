//! What a plain scalar means in YAML 1.1, by the rules of PyYAML's resolver and constructor.
//!
//! Known traps: `no` is false, `0123` is 83, `1_000` is 1000, `1:30` is 90, `1e3` is a string and `1.0e+3` a float,
//! `2024-06-01` is a date.

use super::Yaml;

/// The value of a plain, untagged scalar. An error is one that PyYAML would raise.
pub(super) fn resolve(text: &str) -> Result<Yaml, String> {
    if let Some(value) = boolean(text) {
        return Ok(Yaml::Bool(value));
    }
    if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Ok(Yaml::Null);
    }
    if text == "=" {
        return Err("a bare `=` has no meaning: put it in quotes".into());
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return Ok(Yaml::Str(text.to_owned()));
    }
    if is_float(text) {
        return float(text).map(Yaml::Float);
    }
    if is_int(text) {
        return int(text).map(Yaml::Int);
    }
    if let Some(time) = timestamp(text) {
        return time.map(Yaml::Time);
    }
    Ok(Yaml::Str(text.to_owned()))
}

/// `!!bool`: any spelling, in any case.
pub(super) fn tagged_bool(text: &str) -> Result<Yaml, String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" => Ok(Yaml::Bool(true)),
        "no" | "false" | "off" => Ok(Yaml::Bool(false)),
        _ => Err("`!!bool` wants true or false".into()),
    }
}

/// `!!int`.
pub(super) fn tagged_int(text: &str) -> Result<Yaml, String> {
    if is_int(text) {
        int(text).map(Yaml::Int)
    } else {
        Err("`!!int` wants an integer".into())
    }
}

/// `!!float`: takes integers as well.
pub(super) fn tagged_float(text: &str) -> Result<Yaml, String> {
    float(text).map(Yaml::Float)
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

/// Digits and underscores, the first a digit of the given set.
fn digits(text: &str, first: fn(char) -> bool) -> bool {
    text.starts_with(first) && text.chars().all(|c| c.is_ascii_digit() || c == '_')
}

/// One or more of `:` and a number below 60.
fn sexagesimal_tail<'a>(parts: impl Iterator<Item = &'a str>) -> bool {
    let mut any = false;
    for part in parts {
        let good = match part.as_bytes() {
            [a] => a.is_ascii_digit(),
            [a, b] => matches!(a, b'0'..=b'5') && b.is_ascii_digit(),
            _ => false,
        };
        if !good {
            return false;
        }
        any = true;
    }
    any
}

fn is_int(text: &str) -> bool {
    let body = unsigned(text);
    if let Some(rest) = body.strip_prefix("0b") {
        return !rest.is_empty() && rest.chars().all(|c| matches!(c, '0' | '1' | '_'));
    }
    if let Some(rest) = body.strip_prefix("0x") {
        return !rest.is_empty() && rest.chars().all(|c| c.is_ascii_hexdigit() || c == '_');
    }
    if let Some(rest) = body.strip_prefix('0') {
        return rest.chars().all(|c| matches!(c, '0'..='7' | '_'));
    }
    let mut parts = body.split(':');
    let head = parts.next().unwrap_or_default();
    digits(head, |c| matches!(c, '1'..='9')) && (!body.contains(':') || sexagesimal_tail(parts))
}

fn int(text: &str) -> Result<String, String> {
    let clean = text.replace('_', "");
    let negative = clean.starts_with('-');
    let body = unsigned(&clean);
    let digits = |rest: &str, radix: u32| {
        decimal(
            rest.chars().map(|c| c.to_digit(radix).map(u64::from)),
            radix,
        )
    };
    let value = if body == "0" {
        "0".to_owned()
    } else if let Some(rest) = body.strip_prefix("0b") {
        digits(rest, 2)?
    } else if let Some(rest) = body.strip_prefix("0x") {
        digits(rest, 16)?
    } else if let Some(rest) = body.strip_prefix('0') {
        digits(rest, 8)?
    } else if body.contains(':') {
        decimal(body.split(':').map(|part| part.parse().ok()), 60)?
    } else {
        // Of any size, so it stays text.
        body.to_owned()
    };
    Ok(if negative && value != "0" {
        format!("-{value}")
    } else {
        value
    })
}

/// Most digits of a number in another base than ten. Python has no limit, and nobody writes one.
const MAX_DIGITS: usize = 4096;
/// What one limb of a large number holds.
const LIMB: u128 = 1_000_000_000;

/// A number of any size, digit by digit in `radix`, in decimal digits. It is not repeated in an error: it may be a secret.
fn decimal(digits: impl Iterator<Item = Option<u64>>, radix: u32) -> Result<String, String> {
    let mut limbs = vec![0_u128];
    let mut digits = digits.enumerate().peekable();
    if digits.peek().is_none() {
        return Err("an integer has no digits: put it in quotes".to_owned());
    }
    for (count, digit) in digits {
        let digit = digit
            .filter(|_| count < MAX_DIGITS)
            .ok_or("an integer is too large: put it in quotes")?;
        let mut carry = u128::from(digit);
        for limb in &mut limbs {
            let sum = *limb * u128::from(radix) + carry;
            *limb = sum % LIMB;
            carry = sum / LIMB;
        }
        while carry > 0 {
            limbs.push(carry % LIMB);
            carry /= LIMB;
        }
    }
    let mut limbs = limbs.iter().rev();
    let head = limbs.next().map(u128::to_string).unwrap_or_default();
    Ok(limbs.fold(head, |text, limb| format!("{text}{limb:09}")))
}

fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let body = unsigned(text);
    if matches!(body, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let Some((head, tail)) = body.split_once('.') else {
        return false;
    };
    if head.is_empty() {
        // No sign before a leading dot: `+.5` is a string.
        return body == text
            && tail.starts_with(|c: char| c.is_ascii_digit())
            && fraction_and_exponent(tail);
    }
    if head.contains(':') {
        let mut parts = head.split(':');
        let first = parts.next().unwrap_or_default();
        return digits(first, |c| c.is_ascii_digit())
            && sexagesimal_tail(parts)
            && tail.chars().all(|c| c.is_ascii_digit() || c == '_');
    }
    digits(head, |c| c.is_ascii_digit()) && fraction_and_exponent(tail)
}

/// Digits, then at most an exponent, whose sign is not optional.
fn fraction_and_exponent(tail: &str) -> bool {
    let (fraction, exponent) = match tail.find(['e', 'E']) {
        Some(at) => (
            tail.get(..at).unwrap_or_default(),
            tail.get(at + 1..).map(str::to_owned),
        ),
        None => (tail, None),
    };
    let fraction_is_good = fraction.chars().all(|c| c.is_ascii_digit() || c == '_');
    let exponent_is_good = exponent.is_none_or(|e| {
        e.strip_prefix(['-', '+'])
            .is_some_and(|d| !d.is_empty() && d.chars().all(|c| c.is_ascii_digit()))
    });
    fraction_is_good && exponent_is_good
}

fn float(text: &str) -> Result<f64, String> {
    let clean = text.replace('_', "").to_lowercase();
    let sign = if clean.starts_with('-') { -1.0 } else { 1.0 };
    let body = unsigned(&clean);
    match body {
        ".inf" => return Ok(sign * f64::INFINITY),
        ".nan" => return Ok(f64::NAN),
        _ => {}
    }
    let bad = || "this is no number: put it in quotes, or leave out its tag".to_owned();
    let mut sum = 0.0_f64;
    for part in body.split(':') {
        sum = sum * 60.0 + part.parse::<f64>().map_err(|_| bad())?;
    }
    Ok(sign * sum)
}

/// A date or a time in Python's words. None if it is neither; an error if it is one that does not exist.
fn timestamp(text: &str) -> Option<Result<String, String>> {
    let mut rest = Cursor(text);
    let year = rest.number(4, 4)?;
    rest.skip('-')?;
    let month_digits = rest.number(1, 2)?;
    let month_width = text.len() - 5 - rest.0.len();
    rest.skip('-')?;
    let before_day = rest.0.len();
    let day = rest.number(1, 2)?;
    let day_width = before_day - rest.0.len();
    let date = (year, month_digits, day);
    if rest.0.is_empty() {
        // Only the full form is a date; `2024-6-1` is a string.
        return (month_width == 2 && day_width == 2)
            .then(|| check_date(date).map(|()| format!("{year:04}-{month_digits:02}-{day:02}")));
    }
    if rest.skip('T').or_else(|| rest.skip('t')).is_none() && rest.blanks() == 0 {
        return None;
    }
    let hour = rest.number(1, 2)?;
    rest.skip(':')?;
    let minute = rest.number(2, 2)?;
    rest.skip(':')?;
    let second = rest.number(2, 2)?;
    let mut micros = 0;
    if rest.skip('.').is_some() {
        micros = rest.micros();
    }
    let blanks = rest.blanks();
    let zone = rest.zone()?;
    if !rest.0.is_empty() || (blanks > 0 && zone.is_none()) {
        return None;
    }
    Some(check_date(date).and_then(|()| {
        let offset = zone.unwrap_or(0);
        if hour > 23 || minute > 59 || second > 59 || offset.abs() >= 24 * 60 {
            return Err("there is no such time: put it in quotes".to_owned());
        }
        let mut out =
            format!("{year:04}-{month_digits:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
        if micros > 0 {
            out.push_str(&format!(".{micros:06}"));
        }
        if zone.is_some() {
            let sign = if offset < 0 { '-' } else { '+' };
            out.push_str(&format!(
                "{sign}{:02}:{:02}",
                offset.abs() / 60,
                offset.abs() % 60
            ));
        }
        Ok(out)
    }))
}

fn check_date((year, month, day): (u32, u32, u32)) -> Result<(), String> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    if year > 0 && (1..=days).contains(&day) {
        Ok(())
    } else {
        Err("there is no such date: put it in quotes".to_owned())
    }
}

struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let width = self
            .0
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        if width < least {
            return None;
        }
        let (digits, rest) = self.0.split_at_checked(width)?;
        self.0 = rest;
        digits.parse().ok()
    }

    fn skip(&mut self, what: char) -> Option<()> {
        self.0 = self.0.strip_prefix(what)?;
        Some(())
    }

    fn blanks(&mut self) -> usize {
        let rest = self.0.trim_start_matches([' ', '\t']);
        let count = self.0.len() - rest.len();
        self.0 = rest;
        count
    }

    /// Six digits of the fraction; the rest is dropped.
    fn micros(&mut self) -> u32 {
        let width = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(width).unwrap_or(("", self.0));
        self.0 = rest;
        let six: String = digits.chars().chain("000000".chars()).take(6).collect();
        six.parse().unwrap_or(0)
    }

    /// Minutes east of Greenwich; the inner none stands for no zone.
    fn zone(&mut self) -> Option<Option<i32>> {
        if self.skip('Z').is_some() {
            return Some(Some(0));
        }
        let sign = if self.skip('-').is_some() {
            -1
        } else if self.skip('+').is_some() {
            1
        } else {
            return Some(None);
        };
        let hours = i32::try_from(self.number(1, 2)?).ok()?;
        let minutes = if self.skip(':').is_some() {
            i32::try_from(self.number(2, 2)?).ok()?
        } else {
            0
        };
        Some(Some(sign * (hours * 60 + minutes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        match resolve(text) {
            Ok(Yaml::Null) => "null".into(),
            Ok(Yaml::Bool(b)) => format!("bool {b}"),
            Ok(Yaml::Int(i)) => format!("int {i}"),
            Ok(Yaml::Float(f)) => format!("float {f}"),
            Ok(Yaml::Str(s)) => format!("str {s}"),
            Ok(Yaml::Time(t)) => format!("time {t}"),
            Ok(Yaml::Seq(_) | Yaml::Map(_)) => unreachable!("no scalar"),
            Err(_) => "error".into(),
        }
    }

    #[test]
    fn no_error_repeats_what_may_be_a_secret() {
        let long = format!("0x{}", "d".repeat(5_000));
        for text in [long.as_str(), "2024-13-99", "2024-06-01 25:00:00", "0b_"] {
            let error = resolve(text).unwrap_err();
            assert!(!error.contains(text), "{error}");
        }
        for tagged in [tagged_float, tagged_int, tagged_bool] {
            let error = tagged("hunter2").unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    // The right-hand sides were printed by PyYAML 6.0.3's safe_load.
    #[test]
    fn plain_scalars_mean_what_pyyaml_says() {
        for (text, meaning) in [
            ("yes", "bool true"),
            ("No", "bool false"),
            ("ON", "bool true"),
            ("oN", "str oN"),
            ("y", "str y"),
            ("~", "null"),
            ("NULL", "null"),
            ("nULL", "str nULL"),
            ("0", "int 0"),
            ("-0", "int 0"),
            ("+12", "int 12"),
            ("0123", "int 83"),
            ("-0123", "int -83"),
            ("089", "str 089"),
            ("0o17", "str 0o17"),
            ("0x_fF", "int 255"),
            ("4294967296:00", "int 257698037760"),
            (
                "0xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
                "int 1271270613000041655817448348132275889066893754095",
            ),
            (
                "-0x100000000000000000000000000000000",
                "int -340282366920938463463374607431768211456",
            ),
            ("0b1_01", "int 5"),
            ("0b_", "error"),
            ("1_000", "int 1000"),
            ("1_", "int 1"),
            ("1:30", "int 90"),
            ("-1:30:00", "int -5400"),
            ("1:60", "str 1:60"),
            ("01:30", "str 01:30"),
            ("4000:5", "int 240005"),
            (
                "123456789012345678901234567890123456789012",
                "int 123456789012345678901234567890123456789012",
            ),
            ("1e3", "str 1e3"),
            ("1.0e3", "str 1.0e3"),
            ("1.0e+3", "float 1000"),
            ("1.E-2", "float 0.01"),
            ("1.", "float 1"),
            ("1_0.5_0", "float 10.5"),
            (".5", "float 0.5"),
            ("+.5", "str +.5"),
            ("-1.5", "float -1.5"),
            (".", "str ."),
            ("1:30.5", "float 90.5"),
            ("-.inf", "float -inf"),
            (".NaN", "float NaN"),
            ("-.nan", "str -.nan"),
            ("1.2.3", "str 1.2.3"),
            ("2024-06-01", "time 2024-06-01"),
            ("2024-6-1", "str 2024-6-1"),
            ("2024-13-01", "error"),
            ("2023-02-29", "error"),
            ("2024-06-01-preview", "str 2024-06-01-preview"),
            ("2024-06-01 10:20:30", "time 2024-06-01 10:20:30"),
            (
                "2024-6-1T1:20:30.5Z",
                "time 2024-06-01 01:20:30.500000+00:00",
            ),
            (
                "2024-06-01 10:20:30 -5:30",
                "time 2024-06-01 10:20:30-05:30",
            ),
            ("=", "error"),
            ("--", "str --"),
            ("sk-1", "str sk-1"),
        ] {
            assert_eq!(show(text), meaning, "{text}");
        }
    }
}
