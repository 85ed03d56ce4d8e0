//! A tree under way of being recomputed, leaf by leaf or part by part, beside the checkpoints that it has to agree with.

use super::{AuditFinding, CheckedCheckpoint, Frontier, TreeHash};

/// The tree so far, and what it showed.
#[derive(Debug)]
pub(crate) struct AuditPass {
    frontier: Frontier,
    /// The smallest first.
    checked: Vec<CheckedCheckpoint>,
    /// So many of them the tree has come to.
    compared: usize,
    agreed: Vec<CheckedCheckpoint>,
    findings: Vec<AuditFinding>,
}

/// A part of the leaves, and their tree.
#[derive(Debug)]
pub(crate) struct TreePart {
    /// So many leaves stand before it.
    first: u64,
    frontier: Frontier,
    /// Sizes of the whole at which a checkpoint is to be compared within the part, the largest first.
    wanted: Vec<u64>,
    /// The tree of the part at those that it has come to.
    heads: Vec<Frontier>,
}

impl TreePart {
    /// A part without leaves behind the `first` ones. The sizes are those of checkpoints, the smallest first.
    pub(crate) fn new(first: u64, sizes: &[u64]) -> Self {
        let wanted = sizes.iter().rev().copied().filter(|size| *size > first).collect();
        Self { first, frontier: Frontier::default(), wanted, heads: Vec::new() }
    }

    /// The number of its leaves.
    pub(crate) const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Appends a leaf.
    pub(crate) fn append(&mut self, leaf: TreeHash) {
        self.frontier.append(leaf);
        let size = self.first + self.frontier.size();
        if self.wanted.last() == Some(&size) {
            self.heads.push(self.frontier.clone());
            self.wanted.retain(|wanted| *wanted > size);
        }
    }
}

impl AuditPass {
    pub(super) fn new((mut checked, findings): (Vec<CheckedCheckpoint>, Vec<AuditFinding>)) -> Self {
        checked.sort_by_key(|checkpoint| checkpoint.head.size);
        let mut pass = Self { frontier: Frontier::default(), checked, compared: 0, agreed: Vec::new(), findings };
        pass.compare(&Frontier::default());
        pass
    }

    /// The sizes at which there are checkpoints, the smallest first.
    pub(crate) fn sizes(&self) -> Vec<u64> {
        self.checked.iter().map(|checkpoint| checkpoint.head.size).collect()
    }

    /// Appends a leaf.
    pub(crate) fn append(&mut self, leaf: TreeHash) {
        self.frontier.append(leaf);
        if self.checked.get(self.compared).is_some_and(|next| next.head.size == self.frontier.size()) {
            self.compare(&self.frontier.clone());
        }
    }

    /// Appends the leaves of the part that comes next. The tree so far has a multiple of its largest full subtree.
    pub(crate) fn join(&mut self, part: &TreePart) {
        assert!(part.first == self.frontier.size(), "parts are joined in their order");
        for head in &part.heads {
            let mut tree = self.frontier.clone();
            tree.join(head);
            self.compare(&tree);
        }
        self.frontier.join(&part.frontier);
    }

    /// Compares with the checkpoints of a tree's size.
    fn compare(&mut self, tree: &Frontier) {
        let root = tree.head().root;
        while let Some(checkpoint) = self.checked.get(self.compared).filter(|next| next.head.size == tree.size()) {
            self.compared += 1;
            if root == checkpoint.head.root {
                self.agreed.push(checkpoint.clone());
            } else {
                self.findings.push(AuditFinding::other_root(checkpoint, root));
            }
        }
    }

    /// The tree, the checkpoints that agree, and what is wrong.
    pub(super) fn end(self) -> (Frontier, Vec<CheckedCheckpoint>, Vec<AuditFinding>) {
        let Self { frontier, checked, compared, agreed, mut findings } = self;
        findings.extend(checked[compared..].iter().map(|next| AuditFinding::too_short(next, frontier.size())));
        (frontier, agreed, findings)
    }
}
