"""The papers that the cards cite by key, in words: what the command line prints."""

# Authors, year and title of book/references.bib, where the rest of each entry is.
PAPERS = {
    "bernstein2018": (
        "Bernstein et al. (2018). signSGD: Compressed Optimisation for Non-Convex Problems"
    ),
    "cauchy1847": (
        "Cauchy (1847). Méthode générale pour la résolution des systèmes d'équations simultanées"
    ),
    "chen2023": "Chen et al. (2023). Symbolic Discovery of Optimization Algorithms",
    "choi2019": ("Choi et al. (2019). On Empirical Comparisons of Optimizers for Deep Learning"),
    "defazio2024": "Defazio et al. (2024). The Road Less Scheduled",
    "dozat2016": "Dozat (2016). Incorporating Nesterov Momentum into Adam",
    "duchi2011": (
        "Duchi et al. (2011). Adaptive Subgradient Methods for Online Learning and Stochastic "
        "Optimization"
    ),
    "duvvuri2024": (
        "Duvvuri et al. (2024). Combining Axes Preconditioners through Kronecker Approximation for "
        "Deep Learning"
    ),
    "gupta2018": ("Gupta et al. (2018). Shampoo: Preconditioned Stochastic Tensor Optimization"),
    "kaddour2022": (
        "Kaddour (2022). Stop Wasting My Time! Saving Days of ImageNet and BERT Training with "
        "Latest Weight Averaging"
    ),
    "kasimbeg2025": (
        "Kasimbeg et al. (2025). Accelerating Neural Network Training: An Analysis of the "
        "AlgoPerf Competition"
    ),
    "jordan2024": "Jordan et al. (2024). Muon: An Optimizer for Hidden Layers in Neural Networks",
    "kingma2015": "Kingma and Ba (2015). Adam: A Method for Stochastic Optimization",
    "loshchilov2019": "Loshchilov and Hutter (2019). Decoupled Weight Decay Regularization",
    "mishchenko2023": (
        "Mishchenko and Defazio (2024). Prodigy: An Expeditiously Adaptive Parameter-Free Learner"
    ),
    "nesterov1983": (
        "Nesterov (1983). A method for solving the convex programming problem with convergence "
        "rate $O(1/k^2)$"
    ),
    "pagliardini2025": "Pagliardini et al. (2025). The AdEMAMix Optimizer: Better, Faster, Older",
    "polyak1964": (
        "Polyak (1964). Some methods of speeding up the convergence of iteration methods"
    ),
    "polyak1992": (
        "Polyak and Juditsky (1992). Acceleration of Stochastic Approximation by Averaging"
    ),
    "reddi2018": "Reddi et al. (2018). On the Convergence of Adam and Beyond",
    "robbins1951": "Robbins and Monro (1951). A Stochastic Approximation Method",
    "shazeer2018": (
        "Shazeer and Stern (2018). Adafactor: Adaptive Learning Rates with Sublinear Memory Cost"
    ),
    "tian2022": (
        "Tian and Parikh (2022). Amos: An Adam-style Optimizer with Adaptive Weight Decay "
        "towards Model-Oriented Scale"
    ),
    "tieleman2012": (
        "Tieleman and Hinton (2012). Lecture 6.5: RMSProp, Divide the gradient by a running "
        "average of its recent magnitude"
    ),
    "vyas2025": "Vyas et al. (2025). SOAP: Improving and Stabilizing Shampoo using Adam",
    "zeiler2012": "Zeiler (2012). ADADELTA: An Adaptive Learning Rate Method",
    "ziyin2020": "Ziyin et al. (2020). LaProp: Separating Momentum and Adaptivity in Adam",
}
