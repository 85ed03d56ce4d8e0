//! The courses of scores as SVG: a panel for each task and metric, a line a model, bars of one standard error.

use super::{
    axes::short_value,
    course::{Course, courses, is_drawable},
};
use model::{Score, ScoreMatrix};
use std::fmt::Write as _;

/// So many panels are drawn.
pub const MOST_PANELS: usize = 60;

/// Colours that people with any sight tell apart (Okabe and Ito, "Color Universal Design", 2008).
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

const PANELS_ABREAST: usize = 2;
const PANEL_WIDTH: f64 = 420.0;
const PANEL_HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 32.0;
const BOTTOM: f64 = 36.0;
const LEGEND_LINE: f64 = 18.0;

/// The drawing, and how many courses have no room in it; none where no model has two checkpoints.
#[expect(clippy::float_arithmetic, reason = "places in a drawing")]
pub fn scores_svg(matrix: &ScoreMatrix) -> Option<(String, usize)> {
    let courses = courses(matrix);
    let drawn = &courses[..courses.len().min(MOST_PANELS)];
    if drawn.is_empty() {
        return None;
    }
    let mut models: Vec<&str> = drawn.iter().flat_map(|course| course.lines.iter().map(|(model, _)| *model)).collect();
    models.sort_unstable();
    models.dedup();
    let legend_height = LEGEND_LINE * count(models.len()) + 12.0;
    let width = PANEL_WIDTH * count(drawn.len().min(PANELS_ABREAST));
    let height = legend_height + PANEL_HEIGHT * count(drawn.len().div_ceil(PANELS_ABREAST));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (place, model) in models.iter().enumerate() {
        let y = LEGEND_LINE * count(place) + 16.0;
        let (colour, line) = (colour(place), y - 4.0);
        line_of(&mut svg, [LEFT, line, LEFT + 24.0, line], colour, 2.0);
        text_of(&mut svg, [LEFT + 32.0, y], "start", model);
    }
    for (place, course) in drawn.iter().enumerate() {
        let x = PANEL_WIDTH * count(place % PANELS_ABREAST);
        let y = legend_height + PANEL_HEIGHT * count(place / PANELS_ABREAST);
        svg.push_str(&format!("<g transform=\"translate({x} {y})\">\n"));
        panel(&mut svg, course, &models);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    Some((svg, courses.len() - drawn.len()))
}

/// Turns steps and values into places in a panel.
struct Scale {
    steps: [f64; 2],
    values: [f64; 2],
}

#[expect(clippy::float_arithmetic, reason = "places in a drawing")]
impl Scale {
    fn of(course: &Course<'_>) -> Self {
        let (mut steps, mut values) = ([f64::INFINITY, f64::NEG_INFINITY], [f64::INFINITY, f64::NEG_INFINITY]);
        for (step, score) in course.lines.iter().flat_map(|(_, points)| points) {
            widen(&mut steps, number(*step));
            for end in ends(score) {
                widen(&mut values, end);
            }
        }
        // A line that is level has room above and below it, too.
        let margin = ((values[1] - values[0]) * 0.05).max(values[0].abs() * 1e-6).max(1e-9);
        Self { steps, values: [values[0] - margin, values[1] + margin] }
    }

    fn x(&self, step: f64) -> f64 {
        LEFT + (PANEL_WIDTH - LEFT - RIGHT) * part(step, self.steps)
    }

    fn y(&self, value: f64) -> f64 {
        PANEL_HEIGHT - BOTTOM - (PANEL_HEIGHT - TOP - BOTTOM) * part(value, self.values)
    }
}

fn widen(range: &mut [f64; 2], value: f64) {
    *range = [range[0].min(value), range[1].max(value)];
}

#[expect(clippy::float_arithmetic, reason = "a place in a drawing")]
fn part(value: f64, range: [f64; 2]) -> f64 {
    let part = (value - range[0]) / (range[1] - range[0]);
    if part.is_finite() { part } else { 0.5 }
}

/// The ends of the error bar, or the value alone.
#[expect(clippy::float_arithmetic, reason = "places in a drawing")]
fn ends(score: &Score) -> [f64; 2] {
    let error = score.stderr.filter(|error| error.is_finite()).unwrap_or(0.0);
    [score.value - error, score.value + error].map(|end| if is_drawable(end) { end } else { score.value })
}

#[expect(clippy::float_arithmetic, reason = "places in a drawing")]
fn panel(svg: &mut String, course: &Course<'_>, models: &[&str]) {
    let scale = Scale::of(course);
    let [left, right, top, bottom] = [LEFT, PANEL_WIDTH - RIGHT, TOP, PANEL_HEIGHT - BOTTOM];
    text_of(svg, [left, top - 12.0], "start", &course.headline());
    for quarter in 0_u8..=4 {
        let value = scale.values[0] + (scale.values[1] - scale.values[0]) * f64::from(quarter) / 4.0;
        let y = scale.y(value);
        line_of(svg, [left, y, right, y], "#dddddd", 1.0);
        text_of(svg, [left - 6.0, y + 4.0], "end", &short_value(value));
    }
    let steps = course.steps();
    for (step, anchor) in
        steps.first().zip(steps.last()).map_or([(0, "start"); 2], |(first, last)| [(*first, "start"), (*last, "end")])
    {
        text_of(svg, [scale.x(number(step)), bottom + 16.0], anchor, &step.to_string());
    }
    text_of(svg, [f64::midpoint(left, right), bottom + 30.0], "middle", "step");
    for (model, points) in &course.lines {
        let colour = colour(models.iter().position(|other| other == model).unwrap_or_default());
        let places: Vec<String> = points
            .iter()
            .map(|(step, score)| format!("{:.1},{:.1}", scale.x(number(*step)), scale.y(score.value)))
            .collect();
        let places = places.join(" ");
        let _written =
            writeln!(svg, "<polyline points=\"{places}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
        for (step, score) in points {
            let (x, [low, high]) = (scale.x(number(*step)), ends(score));
            let y = scale.y(score.value);
            line_of(svg, [x, scale.y(low), x, scale.y(high)], colour, 1.0);
            let _written = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>");
        }
    }
}

fn line_of(svg: &mut String, [x1, y1, x2, y2]: [f64; 4], colour: &str, width: f64) {
    let _written = writeln!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
    );
}

fn text_of(svg: &mut String, [x, y]: [f64; 2], anchor: &str, text: &str) {
    let text = escaped(text);
    let _written = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

/// A text between tags; XML has no control characters (XML 1.0, 2.2).
fn escaped(text: &str) -> String {
    let letters = text.chars().filter(|letter| !letter.is_control() && !matches!(letter, '\u{fffe}' | '\u{ffff}'));
    letters.fold(String::with_capacity(text.len()), |mut escaped, letter| {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
        escaped
    })
}

fn colour(place: usize) -> &'static str {
    COLOURS[place % COLOURS.len()]
}

/// A step, as near as a drawing needs it.
#[expect(clippy::cast_precision_loss, reason = "a place in a drawing")]
fn number(step: u64) -> f64 {
    step as f64
}

fn count(things: usize) -> f64 {
    number(things as u64)
}
