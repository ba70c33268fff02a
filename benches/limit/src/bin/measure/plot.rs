//! Draws what a row costs: one panel a database, one line a question, both axes in powers of ten. It is SVG, by hand.

use std::fmt::Write;

use crate::cost::Cost;

const PANEL_WIDTH: f64 = 380.0;
const PANEL_HEIGHT: f64 = 260.0;
const MARGIN_LEFT: f64 = 64.0;
const MARGIN_TOP: f64 = 56.0;
const GAP: f64 = 110.0;
const LABEL_HEIGHT: f64 = 14.0;

/// A line's colour: told apart by those who do not see red and green, too.
fn colour(question: &str) -> &'static str {
    match question {
        "point" => "#0072b2",
        "nested" => "#d55e00",
        "wide" => "#009e73",
        _ => "#cc79a7",
    }
}

/// A scale in powers of ten.
struct Scale {
    least: f64,
    most: f64,
}

impl Scale {
    /// The powers of ten around the values.
    fn around(values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
        let most = values.fold(f64::NEG_INFINITY, f64::max).log10().ceil();
        Self { least, most: most.max(least + 1.0) }
    }

    /// Where a value stands, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        (value.log10() - self.least) / (self.most - self.least)
    }

    fn powers(&self) -> impl Iterator<Item = f64> {
        let (least, most) = (self.least, self.most);
        std::iter::successors(Some(least), move |power| Some(power + 1.0).filter(|power| *power <= most))
            .map(|power| 10_f64.powf(power))
    }
}

/// The drawing.
#[expect(clippy::cast_precision_loss, reason = "a drawing is not so exact")]
pub(crate) fn draw(costs: &[Cost]) -> String {
    let mut databases: Vec<&str> = costs.iter().map(|cost| cost.database).collect();
    databases.dedup();
    let across = Scale::around(costs.iter().map(|cost| cost.tests as f64));
    let up = Scale::around(costs.iter().map(|cost| cost.microseconds_per_row));
    let width = MARGIN_LEFT + (PANEL_WIDTH + GAP) * databases.len() as f64;
    let height = MARGIN_TOP + PANEL_HEIGHT + 64.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"{MARGIN_LEFT}\" y=\"20\" font-size=\"14\">Time a returned row, by the size of the database</text>\n"
    );
    for (number, database) in databases.iter().enumerate() {
        let left = MARGIN_LEFT + (PANEL_WIDTH + GAP) * number as f64;
        let x = |tests: f64| left + across.place(tests) * PANEL_WIDTH;
        let y = |cost: f64| MARGIN_TOP + (1.0 - up.place(cost)) * PANEL_HEIGHT;
        let mut line = |text: String| svg.push_str(&(text + "\n"));
        line(format!("<text x=\"{left}\" y=\"{}\" font-weight=\"bold\">{database}</text>", MARGIN_TOP - 10.0));
        for tests in across.powers() {
            let (place, bottom) = (x(tests), MARGIN_TOP + PANEL_HEIGHT);
            line(format!("<path d=\"M{place:.1} {MARGIN_TOP}V{bottom}\" stroke=\"#ddd\"/>"));
            let label = thousands(tests);
            line(format!("<text x=\"{place:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", bottom + 18.0));
        }
        for cost in up.powers() {
            let (place, right) = (y(cost), left + PANEL_WIDTH);
            line(format!("<path d=\"M{left} {place:.1}H{right}\" stroke=\"#ddd\"/>"));
            let label = if cost < 1.0 { format!("{cost}") } else { thousands(cost) };
            let (x, y) = (left - 6.0, place + 4.0);
            line(format!("<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{label} µs</text>"));
        }
        let (middle, bottom) = (left + PANEL_WIDTH / 2.0, MARGIN_TOP + PANEL_HEIGHT + 40.0);
        line(format!("<text x=\"{middle}\" y=\"{bottom}\" text-anchor=\"middle\">tests in the database</text>"));
        let mut questions: Vec<&str> = Vec::new();
        for cost in costs.iter().filter(|cost| cost.database == *database) {
            if !questions.contains(&cost.question) {
                questions.push(cost.question);
            }
        }
        let mut labels = Vec::new();
        for question in questions {
            let of_line = |cost: &&Cost| cost.database == *database && cost.question == question;
            let points: Vec<(f64, f64)> =
                costs.iter().filter(of_line).map(|cost| (x(cost.tests as f64), y(cost.microseconds_per_row))).collect();
            let colour = colour(question);
            let mut path = String::new();
            for (place, (x, y)) in points.iter().enumerate() {
                // Writing to a string does not fail.
                let _ = write!(path, "{}{x:.1} {y:.1}", if place == 0 { "M" } else { "L" });
                line(format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"));
            }
            line(format!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"));
            if let Some((x, y)) = points.last() {
                labels.push((x + 8.0, y + 4.0, question));
            }
        }
        // From the top down, so that a name which would cover the one above moves below it.
        labels.sort_by(|one, other| one.1.total_cmp(&other.1));
        let mut above = f64::NEG_INFINITY;
        for (x, y, question) in labels {
            above = y.max(above + LABEL_HEIGHT);
            let colour = colour(question);
            line(format!("<text x=\"{x:.1}\" y=\"{above:.1}\" fill=\"{colour}\">{question}</text>"));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The number with its thousands set apart.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for (place, digit) in digits[first..].chars().enumerate() {
        if place % 3 == 0 && !text.is_empty() {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
