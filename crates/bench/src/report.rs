//! Medians, and the line that says whether a goal is met.

/// The median; of an even number the lower of the two in the middle.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// `value` with commas between thousands and no decimals.
pub(crate) fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Whether a goal is.
pub(crate) const fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

/// The last line of a benchmark.
pub(crate) fn verdict(ratio: f64, goal: f64) -> String {
    let is_met = ratio >= goal;
    let by =
        if is_met { String::new() } else { format!(" by {:.0} %", 100.0 * (1.0 - ratio / goal)) };
    format!("ratio {ratio:.2}, goal {goal:.1}: {}{by}", met(is_met))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_in_the_middle_and_thousands_have_commas() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0]) - 1.0).abs() < f64::EPSILON);
        assert_eq!(whole(1_234_567.4), "1,234,567");
        assert_eq!(whole(12.0), "12");
    }

    #[test]
    fn verdict_says_by_how_much_a_goal_is_missed() {
        assert_eq!(verdict(4.2, 4.0), "ratio 4.20, goal 4.0: met");
        assert_eq!(verdict(3.0, 4.0), "ratio 3.00, goal 4.0: missed by 25 %");
    }
}
