//! Why somebody who is trusted does not vouch for a backup, in words.

use dbseal_core::Standing;

/// What stands between them and this backup of that series, after "whom you trust, but"; `None` for who vouches, and for a stranger.
pub(crate) fn trusted_but(standing: Standing, series: Option<&str>) -> Option<String> {
    Some(match (standing, series) {
        (Standing::Ended, _) => "only up to the backup that until= names".into(),
        (Standing::OtherSeries, Some(series)) => format!("not for the series {series}"),
        (Standing::OtherSeries, None) => "not for a backup of no series".into(),
        (Standing::OtherRole, _) => "not with the role seal".into(),
        (Standing::NotAskedFor, Some(series)) => format!("it is of the series {series}, and --series asks for another"),
        (Standing::NotAskedFor, None) => "it is of no series, and --series asks for one".into(),
        (Standing::Trusted | Standing::Stranger, _) => return None,
    })
}

/// As one word, for machines.
#[cfg(feature = "cli")]
pub(crate) fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Trusted => "yes",
        Standing::Ended | Standing::OtherSeries | Standing::OtherRole | Standing::NotAskedFor => "not-for-this",
        Standing::Stranger => "no",
    }
}
