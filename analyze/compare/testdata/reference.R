# Values for the tests of package compare, computed without its code.
#
#   Rscript reference.R > reference.out        (R 4.2.2, base packages only)
#
# One case a line: kind, name, then "key=v v v" fields separated by tabs.
options(digits = 15)
num <- function(x) paste(formatC(x, digits = 15, format = "g", width = 1), collapse = " ")
case <- function(kind, name, ...) {
  f <- list(...)
  cat(kind, name, paste0(names(f), "=", vapply(f, num, "")), sep = "\t")
  cat("\n")
}
set.seed(1)

# Mann-Whitney U, exact, no ties.
sizes <- list(c(3, 3), c(4, 4), c(5, 5), c(7, 7), c(10, 10), c(4, 9), c(20, 20))
for (s in sizes) for (shift in c(0, 0.03)) {
  b <- round(rlnorm(s[1], log(100), 0.03), 6)
  a <- round(rlnorm(s[2], log(100) + shift, 0.03), 6)
  case("utest", sprintf("%d+%d shift %g", s[1], s[2], shift), before = b, after = a,
       p = wilcox.test(b, a, exact = TRUE)$p.value)
}
case("utest", "separated 10+10", before = 1:10, after = 11:20, p = wilcox.test(1:10, 11:20, exact = TRUE)$p.value)

# With ties R has no exact test: every way to choose the before side.
exact.ties <- function(b, a) {
  r <- rank(c(b, a)); n <- length(b)
  all <- combn(length(r), n, function(i) sum(r[i]))
  e <- mean(all); mean(abs(all - e) >= abs(sum(r[1:n]) - e) - 1e-9)
}
# benchmath doubles the smaller tail instead of taking both: print it too.
doubled.ties <- function(b, a) {
  r <- rank(c(b, a)); n <- length(b)
  all <- combn(length(r), n, function(i) sum(r[i])); s <- sum(r[1:n])
  min(1, 2 * min(mean(all <= s + 1e-9), mean(all >= s - 1e-9)))
}
for (k in 1:4) {
  b <- rpois(6, 4); a <- rpois(7, 6)
  case("ties", sprintf("poisson %d", k), before = b, after = a, both = exact.ties(b, a), doubled = doubled.ties(b, a))
}

# Ranks aligned within blocks: every way to hand out the sides within the blocks.
blocks.test <- function(v, side, block) {
  aligned <- ave(log(v), block, FUN = function(x) x - mean(x))
  r <- rank(signif(aligned, 12))
  ways <- lapply(split(seq_along(v), block), function(i) combn(i, sum(side[i]), function(j) sum(r[j])))
  all <- Reduce(function(x, y) as.vector(outer(x, y, "+")), ways)
  e <- mean(all); mean(abs(all - e) >= abs(sum(r[side == 1]) - e) - 1e-9)
}
for (nb in 2:5) for (shift in c(0, 0.02)) {
  block <- rep(seq_len(nb), each = 4); side <- rep(c(0, 1, 1, 0), nb)
  v <- round(100 * exp(rnorm(nb, 0, 0.1)[block] + shift * side + rnorm(4 * nb, 0, 0.01)), 6)
  case("blocks", sprintf("%d ABBA shift %g", nb, shift), value = v, side = side, block = block, p = blocks.test(v, side, block))
}

# Benjamini-Hochberg.
for (m in c(1, 5, 51)) {
  p <- round(c(runif(m - m %/% 4), runif(m %/% 4) / 100), 6)
  case("bh", sprintf("%d", m), p = p, q = p.adjust(p, "BH"))
}
p <- c(0.01, 0.02, NA, 0.02, 0.9)
case("bh", "ties and NA", p = ifelse(is.na(p), NaN, p), q = ifelse(is.na(p), NaN, p.adjust(p, "BH")))

# Order-statistic interval of the median: level of [x(k), x(n+1-k)].
for (n in c(6, 10, 15, 20)) {
  k <- max(which(1 - 2 * pbinom(0:(n %/% 2 - 1), n, 0.5) >= 0.95))
  case("median", sprintf("%d", n), runs = n, order = k, level = 1 - 2 * pbinom(k - 1, n, 0.5))
}

# Bootstrap of the ratio of medians: every resample of both sides.
resampled <- function(x) apply(as.matrix(expand.grid(rep(list(x), length(x)))), 1, median)
for (n in 4:5) {
  b <- round(rlnorm(n, 5, 0.05), 4); a <- round(rlnorm(n, 5.05, 0.05), 4)
  tail <- 0.025 * if (n == 4) 0.6 else 1.4  # the calibration of tailFactor
  mb <- table(resampled(b)); ma <- table(resampled(a))
  r <- as.vector(outer(as.numeric(names(ma)), as.numeric(names(mb)), "/"))
  w <- as.vector(outer(as.numeric(ma), as.numeric(mb))) / (n^n)^2
  o <- order(r); cum <- cumsum(w[o])
  q <- function(p) r[o][which(cum >= p - 1e-12)[1]]
  case("bootstrap", sprintf("%d+%d", n, n), before = b, after = a, ratio = median(a) / median(b), interval = c(q(tail), q(1 - tail)))
}

# Two Poisson counts, and one.
for (xy in list(c(100, 130), c(3, 0), c(0, 4), c(12, 7), c(15000, 14000)))
  case("poisson", sprintf("%d %d", xy[1], xy[2]), before = xy[1], after = xy[2],
       interval = poisson.test(rev(xy), c(1, 1))$conf.int, mean = poisson.test(xy[2])$conf.int)

# The shift, in standard deviations, that the U test finds in 80 % of 20000 trials.
for (s in list(c(4, 4), c(5, 5), c(10, 10), c(5, 10))) {
  n <- 20000
  x <- matrix(rnorm(n * s[1]), n); y <- matrix(rnorm(n * s[2]), n)
  crit <- qwilcox(0.025, s[1], s[2]); while (2 * pwilcox(crit, s[1], s[2]) >= 0.05) crit <- crit - 1
  power <- function(d) mean(vapply(1:n, function(i) {
    u <- sum(outer(x[i, ], y[i, ] + d, ">")); u <= crit || u >= prod(s) - crit }, TRUE))
  lo <- 0; hi <- 6
  for (k in 1:9) { m <- (lo + hi) / 2; if (power(m) < 0.8) lo <- m else hi <- m }
  case("power", sprintf("%d+%d", s[1], s[2]), runs = s, shift = (lo + hi) / 2,
       level = 2 * pwilcox(crit, s[1], s[2]))
}
