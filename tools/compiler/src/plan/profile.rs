//! Target profiles: whose kernels a schedule is made for.

use std::fmt;
use std::str::FromStr;

/// A target that a schedule is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Any, with weights as the graph has them.
    #[default]
    Portable,
    /// Cores with DSP instructions: Cortex-M4, M7, and M33 where it has them.
    CortexM4,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Profile; 2] = [Profile::Portable, Profile::CortexM4];

    /// As schedules and firmware call it.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Portable => "portable",
            Profile::CortexM4 => "cortex-m4",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Profile, String> {
        let names = Profile::ALL.map(Profile::name);
        let index = names.iter().position(|&name| name == text);
        index.map(|index| Profile::ALL[index]).ok_or_else(|| format!("one of {}", names.join(", ")))
    }
}
