//! Strongly connected components: operations that refer to each other.

/// Tarjan's algorithm with its own stack: a chain of references may be as long as the request.
pub(super) struct Components<'a> {
    edges: &'a [Vec<usize>],
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    on_stack: Vec<bool>,
    stack: Vec<usize>,
    next: usize,
    order: Vec<(usize, usize)>,
    clusters: usize,
}

impl<'a> Components<'a> {
    /// Nodes with their clusters, each after all it has edges to.
    pub(super) fn of(edges: &'a [Vec<usize>]) -> Vec<(usize, usize)> {
        let count = edges.len();
        let mut components = Components {
            edges,
            index: vec![None; count],
            low: vec![0; count],
            on_stack: vec![false; count],
            stack: vec![],
            next: 0,
            order: vec![],
            clusters: 0,
        };
        for root in 0..count {
            if components.index[root].is_none() {
                components.visit(root);
            }
        }
        components.order
    }

    fn enter(&mut self, node: usize) {
        self.index[node] = Some(self.next);
        self.low[node] = self.next;
        self.next += 1;
        self.stack.push(node);
        self.on_stack[node] = true;
    }

    fn visit(&mut self, root: usize) {
        let mut path = vec![(root, 0)];
        self.enter(root);
        while let Some((node, edge)) = path.last_mut() {
            let node = *node;
            if let Some(&next) = self.edges[node].get(*edge) {
                *edge += 1;
                match self.index[next] {
                    None => {
                        self.enter(next);
                        path.push((next, 0));
                    }
                    Some(index) if self.on_stack[next] => self.low[node] = self.low[node].min(index),
                    Some(_) => {}
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                self.low[*parent] = self.low[*parent].min(self.low[node]);
            }
            if self.index[node] == Some(self.low[node]) {
                self.close(node);
            }
        }
    }

    fn close(&mut self, root: usize) {
        let start = self.stack.iter().rposition(|node| *node == root).unwrap_or(0);
        let mut members = self.stack.split_off(start);
        members.sort_unstable();
        for node in members {
            self.on_stack[node] = false;
            self.order.push((node, self.clusters));
        }
        self.clusters += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_forward_reference_comes_after_what_it_refers_to() {
        let order: Vec<usize> = Components::of(&[vec![2], vec![], vec![]])
            .into_iter()
            .map(|(place, _)| place)
            .collect();
        assert_eq!(order, [2, 0, 1]);
    }

    #[test]
    fn order_circle_shares_a_cluster_and_the_rest_does_not() {
        let order = Components::of(&[vec![1], vec![0], vec![0], vec![]]);
        let cluster = |place: usize| {
            order
                .iter()
                .find(|(node, _)| *node == place)
                .map(|(_, cluster)| *cluster)
        };
        assert_eq!(cluster(0), cluster(1));
        assert_ne!(cluster(1), cluster(2));
        assert_ne!(cluster(2), cluster(3));
    }
}
