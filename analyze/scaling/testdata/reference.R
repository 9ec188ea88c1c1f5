# Values for the tests of package scaling, computed without its code.
#
#   Rscript reference.R > reference.out        (R 4.2.2, base packages only)
#
# One case a line: kind, name, then "key=v v v" fields separated by tabs.
num <- function(x) paste(formatC(x, digits = 15, format = "g", width = 1), collapse = " ")
case <- function(.kind, .name, ...) {
  f <- list(...)
  cat(.kind, .name, paste0(names(f), "=", vapply(f, num, "")), sep = "\t")
  cat("\n")
}
set.seed(2)
usl <- function(n, g, s, k) g * n / (1 + s * (n - 1) + k * n * (n - 1))
law <- x ~ g * n / (1 + s * (n - 1) + k * n * (n - 1))
fit <- function(n, x, w = rep(1, length(n))) {
  w <- w / mean(w)
  d <- data.frame(n, x, w)
  l <- coef(lm(I(n / x) ~ I(n - 1) + I(n * (n - 1)), weights = x^4 * w / n^2))  # the linear form, to start from
  start <- list(g = 1 / max(l[[1]], 0.01), s = max(l[[2]] / l[[1]], 0.01), k = max(l[[3]] / l[[1]], 0.001))
  nls(law, d, start = start, weights = w, algorithm = "port", lower = c(0, 0, 0))
}
report <- function(name, n, x, w, m) {
  p <- coef(m); means <- tapply(x, n, mean); at <- as.numeric(names(means))
  case("usl", name, n = n, x = x, w = w, theta = p, se = summary(m)$coefficients[, 2],
       peak = sqrt((1 - p[["s"]]) / p[["k"]]), rms = sqrt(mean((means - usl(at, p[["g"]], p[["s"]], p[["k"]]))^2)))
}

# The table of kernel commit 10a118619439, Gbit/s by RX queues, one figure each.
n <- c(2, 4, 6, 8, 12, 16)
report("10a118619439 before", n, c(32.3, 34.4, 24.5, 23.1, 18.1, 16.0), rep(1, 6), fit(n, c(32.3, 34.4, 24.5, 23.1, 18.1, 16.0)))
report("10a118619439 after", n, c(34.4, 40.0, 38.3, 38.3, 29.9, 25.2), rep(1, 6), fit(n, c(34.4, 40.0, 38.3, 38.3, 29.9, 25.2)))

# Rates with known half-widths: weights from them.
n <- c(1, 2, 4, 8, 16)
x <- c(0.294, 0.571, 1.020, 1.483, 1.402); w <- 1 / (x * c(0.4, 0.6, 0.9, 1.8, 2.6) / 100)^2
report("weighted before", n, x, w, fit(n, x, w))
x <- c(0.293, 0.580, 1.112, 1.961, 2.733); w <- 1 / (x * c(0.5, 0.5, 0.7, 1.1, 1.9) / 100)^2
report("weighted after", n, x, w, fit(n, x, w))

# Repeated runs. The weight of a run is 1 / variance at its N: the square of the
# mean times the relative variance, which is that of the N drawn, with 16 degrees
# of freedom, to exp(level + b (log N - center)), the likeliest such law with a
# normal prior of variance 2 on b. The test of misfit is the F test of means
# against runs.
relative.variance <- function(n, sq) {
  at <- sort(unique(n)); ss <- as.vector(tapply(sq, n, sum)); df <- as.vector(table(n)) - 1
  z <- log(at) - weighted.mean(log(at), df)
  nll <- function(p) sum(df * (p[1] + p[2] * z) + ss * exp(-p[1] - p[2] * z)) / 2 + 0.5 * p[2]^2 / 2
  p <- optim(c(log(sum(ss) / sum(df)), 0), nll, method = "BFGS", control = list(reltol = 1e-15, maxit = 1000))$par
  v <- (16 * exp(p[1] + p[2] * z) + ss) / (16 + df)
  v[match(n, at)]
}
for (runs in c(3, 5)) {
  n <- rep(c(1, 2, 4, 6, 8, 12), each = runs)
  x <- round(usl(n, 10, 0.03, 0.004) * (1 + 0.005 * sqrt(n) * rnorm(length(n))), 6)
  m <- ave(x, n); sq <- ((x - m) / m)^2
  df <- length(x) - length(unique(n))
  w <- 1 / (relative.variance(n, sq) * m^2)
  f <- fit(n, x, w)
  report(sprintf("%d runs", runs), n, x, w, f)
  pure <- sum(w * (x - m)^2) / df
  lack <- (sum(w * (x - fitted(f))^2) - sum(w * (x - m)^2)) / (length(unique(n)) - 3)
  case("misfit", sprintf("%d runs", runs), n = n, x = x, F = lack / pure, p = pf(lack / pure, length(unique(n)) - 3, df, lower.tail = FALSE))
}

# kappa and sigma at their bounds: without them they would be negative.
n <- c(1, 2, 4, 8, 16)
x <- usl(n, 10, 0.05, 0) * c(1, 1.01, 0.99, 1.0, 1.02)
f <- fit(n, x); case("bound", "kappa 0", n = n, x = x, theta = coef(f), squares = sum(resid(f)^2))
x <- usl(n, 10, -0.02, 0.004) * c(1, 1.01, 0.99, 1.0, 1.0)
f <- fit(n, x); case("bound", "sigma 0", n = n, x = x, theta = coef(f), squares = sum(resid(f)^2))

# Growth exponent.
for (e in c(0, 0.7)) {
  n <- rep(c(1, 2, 4, 8), each = 3); y <- round(100 * n^e * exp(0.05 * rnorm(12)), 6)
  m <- lm(log(y) ~ log(n))
  case("exponent", sprintf("%g", e), n = n, cost = y, slope = coef(m)[2], interval = confint(m)[2, ], p = summary(m)$coefficients[2, 4])
}

# Latency of a lookup over the SAs in its bucket, weights 1 / fitted^2.
for (per in c(0, 1.5)) {
  sas <- rep(c(1, 10, 100, 1000), each = 4); y <- round((80 + per * sas) * exp(0.05 * rnorm(16)), 6)
  w <- 1 / y^2
  for (i in 1:10) { m <- lm(y ~ sas, weights = w); w <- 1 / fitted(m)^2 }
  case("walk", sprintf("%g ns", per), sas = sas, ns = y, slope = coef(m)[2], interval = confint(m)[2, ],
       fixed = coef(m)[1], fixedinterval = confint(m)[1, ], p = summary(m)$coefficients[2, 4])
}

# The difference of two means.
for (k in c(3, 8)) {
  a <- round(rnorm(k, 100, 3), 6); b <- round(rnorm(k + 1, 130, 8), 6)
  t <- t.test(b, a)
  case("welch", sprintf("%d+%d", k, k + 1), base = a, at = b, delta = mean(b) - mean(a), interval = t$conf.int)
}
