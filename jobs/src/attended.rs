//! Sites that let in people and no programs: what starts work there from another machine needs a person who looks on.

use crate::{
    error::{Gravity, JobsError},
    house::{House, Vantage},
};

/// Refuses what nobody looks on at, where the site's profile wants a person (`login.human_in_the_loop`). On the site's own
/// machines its own rules hold for what runs there.
pub(crate) fn attended(house: &House, what: &str) -> Result<(), JobsError> {
    let wants_person = house.site(&house.here)?.login.value.human_in_the_loop;
    if house.vantage != (Vantage::Remote { is_attended: false }) || !wants_person {
        return Ok(());
    }
    let why = format!(
        "`{}` wants a person behind what is done over its connection, and this process has no terminal",
        house.here
    );
    let next = "run it in a terminal; what has to run by itself runs on a login node, where the site allows it";
    Err(JobsError::new(Gravity::Refused, what, why, next))
}
