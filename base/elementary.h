#pragma once

/// Our own elementary functions in double: the C library's differ between hosts in the last bit,
/// and draws, schedules and losses must not. Errors against the exact value are below 2 units in
/// the last place on the stated ranges (tested against long double).
namespace ohmic::elementary {

double exp(double x);         ///< any x; 0 below -745.2, infinity above 709.8
double log(double x);         ///< x > 0 finite; -infinity at 0, NaN below
double sin(double x);         ///< |x| <= 1e5
double cos(double x);         ///< |x| <= 1e5
double normal_cdf(double x);  ///< of the standard normal distribution; absolute error below 1e-15
double normal_pdf(double x);  ///< of the standard normal distribution
double pow(double x, double y);  ///< x > 0; relative error grows as |y log x| * 2^-53

}  // namespace ohmic::elementary
