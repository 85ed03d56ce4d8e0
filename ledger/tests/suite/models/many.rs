//! The models with many more cases than every run of the tests has time for.

use super::{dated_followed, lots_followed, observed_followed, sums_followed, units_followed};

/// `ci/soak models` calls it, and says how many.
#[test]
#[ignore = "long: ci/soak models"]
fn many_more_operations_give_what_the_models_give() {
    let cases = std::env::var("PAKT_SOAK_ROUNDS").map_or(400, |cases| cases.parse().expect("a number"));
    observed_followed::try_it(cases);
    lots_followed::try_it(cases);
    dated_followed::try_it(cases);
    units_followed::try_it(cases);
    sums_followed::try_it(cases);
    crate::order::try_it(cases);
}
