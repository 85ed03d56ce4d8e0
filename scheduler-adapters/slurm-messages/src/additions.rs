//! What a site adds to `sbatch`, by what the controller says of itself: filters of the command line and SPANK plugins run in
//! `sbatch` alone. Who submits without it leaves a job to it where there are some, and where nobody can tell.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// The most bytes of a list of plugins.
pub const LIST_LIMIT: usize = 64 * 1024;

/// What is known of a site's additions; an empty text and `(null)` are none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings<'a> {
    /// `CliFilterPlugins` of the controller's configuration.
    pub filters: &'a str,
    /// `PlugStackConfig` of it.
    pub plugins: &'a str,
    /// `SLURM_CONF` of it: where the controller has its own `slurm.conf`.
    pub configuration: &'a str,
    /// `SLURM_CONF` of the caller's variables, which `sbatch` would read instead.
    pub own_configuration: Option<&'a OsStr>,
    /// Whether the caller's variables name a server for the configuration (`SLURM_CONF_SERVER`).
    pub has_own_server: bool,
}

/// Where a site's plugins are listed, and where its `slurm.conf` must be for that list to be `sbatch`'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The list of plugins.
    pub list: PathBuf,
    /// The `slurm.conf` that it lies beside; none where the list is named by itself.
    pub configuration: Option<PathBuf>,
}

impl Settings<'_> {
    /// Where to look for plugins. The error says why `sbatch` has to submit, whatever stands there.
    pub fn places(&self) -> Result<Places, String> {
        if let Some(filters) = set(self.filters) {
            return Err(format!("the site's filter of the command line ({filters}) runs in sbatch alone"));
        }
        if let Some(plugins) = set(self.plugins) {
            let list = absolute(plugins.as_ref());
            let list = list.ok_or_else(|| format!("it is not said where the site's plugins ({plugins}) are listed"))?;
            return Ok(Places { list, configuration: None });
        }
        if self.has_own_server {
            return Err("Slurm's configuration comes from a server, and its list of plugins is not here".to_owned());
        }
        // Without the setting it lies beside slurm.conf (spank(7), "SPANK CONFIGURATION").
        let own = self.own_configuration.filter(|own| !own.is_empty());
        let configuration = own.or_else(|| set(self.configuration).map(OsStr::new)).and_then(absolute);
        let configuration = configuration.ok_or("it is not known where Slurm's configuration is, and its plugins")?;
        Ok(Places { list: configuration.with_file_name("plugstack.conf"), configuration: Some(configuration) })
    }
}

impl Places {
    /// Why a site's plugins would be passed by; none where it has none. Of `slurm.conf` it is told whether it is there, of the list
    /// what stands in it, none where it is absent, and of both why they cannot be read.
    pub fn judge(
        &self,
        has_configuration: Result<bool, String>,
        list: Result<Option<Vec<u8>>, String>,
    ) -> Option<String> {
        let shown = self.list.display();
        if let Some(configuration) = &self.configuration {
            let configuration = configuration.display();
            match has_configuration {
                Ok(true) => {}
                Ok(false) => {
                    return Some(format!("there is no {configuration} here, and no list of plugins beside it"));
                }
                Err(why) => return Some(format!("nobody can tell whether there is {configuration}: {why}")),
            }
        }
        match list {
            Ok(Some(text)) => names_one(&text).then(|| format!("the site's plugins ({shown}) run in sbatch, too")),
            Ok(None) if self.configuration.is_some() => None,
            Ok(None) => Some(format!("the site's list of plugins ({shown}) is not here")),
            Err(why) => Some(format!("the site's list of plugins ({shown}) cannot be read: {why}")),
        }
    }
}

/// Whether a list of plugins names one, or another list that may.
fn names_one(list: &[u8]) -> bool {
    list.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).any(|line| !line.is_empty() && !line.starts_with(b"#"))
}

fn set(value: &str) -> Option<&str> {
    Some(value.trim()).filter(|value| !value.is_empty() && *value != "(null)")
}

fn absolute(path: &OsStr) -> Option<PathBuf> {
    Some(Path::new(path)).filter(|path| path.is_absolute()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BESIDE: Settings<'_> = Settings {
        filters: "(null)",
        plugins: "(null)",
        configuration: "/etc/slurm/slurm.conf",
        own_configuration: None,
        has_own_server: false,
    };

    #[test]
    fn plugins_are_listed_where_a_setting_says_or_beside_slurm_conf() {
        let beside =
            |configuration: &str, list: &str| Places { list: list.into(), configuration: Some(configuration.into()) };
        for (settings, places) in [
            (BESIDE, beside("/etc/slurm/slurm.conf", "/etc/slurm/plugstack.conf")),
            (
                Settings { own_configuration: Some(OsStr::new("/mine/my.conf")), ..BESIDE },
                beside("/mine/my.conf", "/mine/plugstack.conf"),
            ),
            (
                Settings { own_configuration: Some(OsStr::new("")), plugins: "", ..BESIDE },
                beside("/etc/slurm/slurm.conf", "/etc/slurm/plugstack.conf"),
            ),
            (Settings { plugins: "/opt/list", ..BESIDE }, Places { list: "/opt/list".into(), configuration: None }),
        ] {
            assert_eq!(settings.places(), Ok(places), "{settings:?}");
        }
    }

    #[test]
    fn where_a_filter_runs_or_nobody_can_tell_sbatch_submits() {
        for (settings, why) in [
            (Settings { filters: "lua", ..BESIDE }, "the site's filter of the command line (lua) runs in sbatch alone"),
            (Settings { plugins: "list", ..BESIDE }, "it is not said where the site's plugins (list) are listed"),
            (Settings { has_own_server: true, ..BESIDE }, "Slurm's configuration comes from a server"),
            (Settings { configuration: "(null)", ..BESIDE }, "it is not known where Slurm's configuration is"),
            (Settings { configuration: "slurm.conf", ..BESIDE }, "it is not known where Slurm's configuration is"),
        ] {
            let said = settings.places().expect_err(why);
            assert!(said.starts_with(why), "{said}");
        }
    }

    #[test]
    fn only_a_list_that_was_read_or_is_absent_beside_its_slurm_conf_is_none() {
        let beside = BESIDE.places().expect("beside it");
        let named = Settings { plugins: "/opt/list", ..BESIDE }.places().expect("it is named");
        let read = |text: &str| Ok(Some(text.as_bytes().to_vec()));
        for (places, has_configuration, list, why) in [
            (&beside, Ok(true), Ok(None), None),
            (&beside, Ok(true), read("# none yet\n\n   # nor here"), None),
            (
                &beside,
                Ok(true),
                read("  optional /usr/lib/x.so\n"),
                Some("(/etc/slurm/plugstack.conf) run in sbatch, too"),
            ),
            (&beside, Ok(true), read("#\ninclude /etc/slurm/plugstack.conf.d/*"), Some("run in sbatch, too")),
            (&beside, Ok(true), Ok(Some(vec![0xff, 0xfe])), Some("run in sbatch, too")),
            (&beside, Ok(true), Err("Permission denied".to_owned()), Some("cannot be read: Permission denied")),
            (&beside, Ok(false), Ok(None), Some("there is no /etc/slurm/slurm.conf here")),
            (&beside, Ok(false), read("# of another system"), Some("there is no /etc/slurm/slurm.conf here")),
            (
                &beside,
                Err("cut".to_owned()),
                Ok(None),
                Some("nobody can tell whether there is /etc/slurm/slurm.conf: cut"),
            ),
            (&named, Ok(true), read("# none"), None),
            (&named, Ok(true), Ok(None), Some("(/opt/list) is not here")),
        ] {
            let told = places.judge(has_configuration.clone(), list.clone());
            let is_expected = match (why, &told) {
                (None, None) => true,
                (Some(why), Some(told)) => told.contains(why),
                _ => false,
            };
            assert!(is_expected, "{has_configuration:?} {list:?}: {told:?} and not {why:?}");
        }
    }
}
