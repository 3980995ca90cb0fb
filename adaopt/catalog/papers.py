"""The papers that the cards cite by key, in words: what the command line prints."""

# Authors, year and title of book/references.bib, where the rest of each entry is.
PAPERS = {
    "bernstein2018": (
        "Bernstein, Wang, Azizzadenesheli and Anandkumar (2018). signSGD: Compressed Optimisation "
        "for Non-Convex Problems"
    ),
    "cauchy1847": (
        "Cauchy (1847). Méthode générale pour la résolution des systèmes d'équations simultanées"
    ),
    "chen2023": "Chen and others (2023). Symbolic Discovery of Optimization Algorithms",
    "kaddour2022": (
        "Kaddour (2022). Stop Wasting My Time! Saving Days of ImageNet and BERT Training with "
        "Latest Weight Averaging"
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
    "polyak1992": (
        "Polyak and Juditsky (1992). Acceleration of Stochastic Approximation by Averaging"
    ),
    "robbins1951": "Robbins and Monro (1951). A Stochastic Approximation Method",
    "tian2022": (
        "Tian and Parikh (2022). Amos: An Adam-style Optimizer with Adaptive Weight Decay towards "
        "Model-Oriented Scale"
    ),
}
