//! The vectors about trust that ends at a backup.

use super::{Case, World};
use crate::seal_writer::{Key, last_hash};

const NO_HASH: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

pub(super) fn cases(world: &World) -> Vec<Case> {
    let [host, custodian] = [&world.host, &world.custodian].map(Key::vkey);
    let (epoch, other_epoch) = ("3c".repeat(16), "3d".repeat(16));
    let hash = last_hash(&world.first());
    let ends = |end: &str| [format!("{host} may=seal series=shop until={end}")];
    let case = |name: &str, comment: &str, end: &str| world.whole_case(name, comment, world.first()).trust(&ends(end));
    let unvouched = |name: &str, comment: &str, end: &str| case(name, comment, end).answer("unvouched", 0);
    let second = world.changed("1 -\n", &format!("2 {NO_HASH}\n"));
    let (at_first, at_another) = (format!("{epoch}:1:{hash}"), format!("{epoch}:1:{NO_HASH}"));
    let rewrapped = |name: &str, comment: &str, end: &str| {
        let trust = [format!("{host} may=seal"), format!("{custodian} may=rewrap series=shop until={end}")];
        world.whole_case(name, comment, world.with_rewrapped(&world.custodian)).trust(&trust).of("shop-rewrapped.age")
    };
    vec![
        case("until", "trust in the host's key ends at this backup", &at_first),
        case("until-later", "trust in the host's key ends at a later backup", &format!("{epoch}:2:{NO_HASH}")),
        rewrapped("until-rewrapped", "trust in the custodian's key ends at this backup", &at_first).answer("intact", 2),
        unvouched("unvouched-until-hash", "trust in the host's key ends at another backup of this number", &at_another),
        unvouched("unvouched-until-epoch", "trust in the host's key ends in another epoch", &format!("{other_epoch}:2:{hash}")),
        world
            .whole_case("unvouched-until-number", "trust in the host's key ends at an earlier backup", second)
            .answer("unvouched", 0)
            .trust(&ends(&at_first)),
        rewrapped("until-not-rewrapped", "trust in the custodian's key ends at another backup of this number", &at_another)
            .answer("header-changed", 1),
    ]
}
