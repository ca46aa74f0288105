//! A payload section, compared with what its seal says while it passes.

use std::ops::Range;

use dbseal_core::{Extent, GroupCheck, Groups, Judgement, Run, Spread, TreeBuilder};

/// Takes in a section, or whole groups of it, in order.
pub(super) enum PayloadCheck {
    /// Group by group: damage is found where it is.
    Groups(Box<GroupsCheck>),
    /// By its root, where the seal has no usable hashes of the groups: damage is found at the end.
    Root {
        /// What the section has to be.
        expected: Extent,
        /// What was there.
        builder: TreeBuilder,
        /// Bytes that were taken in.
        taken_len: u64,
    },
}

/// See [`PayloadCheck::Groups`].
pub(super) struct GroupsCheck {
    groups: Groups,
    /// The groups that are to come: at first those that are wanted.
    indices: Range<u64>,
    /// Of the first of these, once it has begun.
    open: Option<GroupCheck>,
    /// Where in the section the next byte belongs.
    at: u64,
}

impl PayloadCheck {
    /// The check of a whole section.
    pub(super) fn of(judgement: &Judgement<'_>) -> Self {
        match judgement.groups() {
            Some(groups) => {
                let all = 0..groups.count();
                Self::groups(groups, all)
            }
            None => Self::Root { expected: judgement.payload(), builder: TreeBuilder::new(), taken_len: 0 },
        }
    }

    /// The check of those groups of a section.
    pub(super) fn groups(groups: Groups, indices: Range<u64>) -> Self {
        let at = groups.range(indices.start).start;
        Self::Groups(Box::new(GroupsCheck { groups, indices, open: None, at }))
    }

    /// Takes the bytes that follow, none of them behind the end that the section should have. The groups that end in them and are damaged,
    /// in bytes of the section.
    pub(super) fn take(&mut self, bytes: &[u8], spread: Spread) -> Vec<Range<u64>> {
        match self {
            Self::Groups(check) => check.take(bytes, spread),
            Self::Root { builder, taken_len, .. } => {
                Run::hash_spread(*taken_len, bytes, spread).into_iter().for_each(|run| builder.add(run));
                *taken_len += bytes.len() as u64;
                Vec::new()
            }
        }
    }

    /// No more follows: the groups that are damaged by that, or all of the section where it is not known which.
    pub(super) fn finish(self) -> Vec<Range<u64>> {
        match self {
            Self::Groups(check) => check.finish(),
            Self::Root { expected, builder, .. } => {
                let is_as_sealed = builder.finish().is_some_and(|tree| Extent::from(&tree) == expected);
                if is_as_sealed { Vec::new() } else { std::iter::once(0..expected.len).collect() }
            }
        }
    }
}

impl GroupsCheck {
    fn take(&mut self, mut bytes: &[u8], spread: Spread) -> Vec<Range<u64>> {
        let first_index = self.indices.start;
        let mut parts = Vec::new();
        while !bytes.is_empty() {
            let range = self.groups.range(self.indices.start);
            let len = usize::try_from(range.end - self.at).map_or(bytes.len(), |len| len.min(bytes.len()));
            let (part, rest) = bytes.split_at(len);
            parts.push((self.open.take().unwrap_or_else(|| self.groups.check(self.indices.start)), part));
            self.at += len as u64;
            self.indices.start += u64::from(self.at == range.end);
            bytes = rest;
        }
        GroupCheck::update_spread(&mut parts, spread);
        let closed_count = self.indices.start - first_index;
        let (mut checks, mut damaged) = (parts.into_iter().map(|(check, _)| check), Vec::new());
        for index in first_index..first_index + closed_count {
            if !checks.next().is_some_and(GroupCheck::is_authentic) {
                damaged.push(self.groups.range(index));
            }
        }
        self.open = checks.next();
        damaged
    }

    fn finish(self) -> Vec<Range<u64>> {
        let Self { groups, indices, mut open, .. } = self;
        let is_damaged = |index: &u64| !open.take().unwrap_or_else(|| groups.check(*index)).is_authentic();
        indices.filter(is_damaged).map(|index| groups.range(index)).collect()
    }
}
