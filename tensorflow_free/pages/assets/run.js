// The page of a run.

function drawRunPage(root) {
  root.append(table(["value"], head.values));
}
