"""The papers that the cards cite by key, in words: what the command line prints."""

# Authors, year and title of book/references.bib, where the rest of each entry is.
PAPERS = {
    "cauchy1847": (
        "Cauchy (1847). Méthode générale pour la résolution des systèmes d'équations simultanées"
    ),
    "kingma2015": "Kingma and Ba (2015). Adam: A Method for Stochastic Optimization",
    "loshchilov2019": "Loshchilov and Hutter (2019). Decoupled Weight Decay Regularization",
    "nesterov1983": (
        "Nesterov (1983). A method for solving the convex programming problem with convergence "
        "rate $O(1/k^2)$"
    ),
    "polyak1964": (
        "Polyak (1964). Some methods of speeding up the convergence of iteration methods"
    ),
    "robbins1951": "Robbins and Monro (1951). A Stochastic Approximation Method",
}
